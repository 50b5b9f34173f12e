//! One command at a time makes an image of ours: two would take each other's files away, and an image that is built
//! on one that is made twice is made twice too.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::ImageError;

/// How often a command that waits looks whether it is its turn.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until no other command makes this image; nobody else does until the file is closed. The kernel closes it for
/// a command that is killed. What it waits for goes to `line`, once.
///
/// # Errors
/// The file cannot be made or locked.
pub async fn take(cache: &Path, image: &str, line: &(dyn Fn(&str) + Sync)) -> Result<File, ImageError> {
    let folder = cache.join("turns");
    let path = folder.join(image.replace(['/', ':'], "-"));
    let failed = |error: std::io::Error| ImageError::File { path: path.clone(), message: error.to_string() };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if told => {}
            Err(TryLockError::WouldBlock) => {
                line("waiting for another labrunner, which is making it");
                told = true;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_image_is_made_by_one_command_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let alone = |said: &str| panic!("there is nobody to wait for: {said}");
        let first = take(folder.path(), "labrunner.local/kafka:4", &alone).await.unwrap();
        take(folder.path(), "labrunner.local/redis:8", &alone).await.unwrap();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let cache = folder.path().to_owned();
        let second = tokio::spawn(async move {
            take(&cache, "labrunner.local/kafka:4", &|said| tell.send(said.to_owned()).unwrap()).await
        });
        assert!(told.recv().await.unwrap().contains("waiting for another labrunner"));
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
        assert_eq!(told.recv().await, None);
    }
}
