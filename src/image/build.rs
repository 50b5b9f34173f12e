//! Build contexts: what is sent, under which digest, with which names put in place of others.

use std::path::Path;

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::ImageError;
use super::dockerignore::DockerIgnore;

/// Packs files into a tar that is the same for the same content: sorted, without times and owners.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn pack(files: impl IntoIterator<Item = (String, Vec<u8>, u32)>) -> std::io::Result<Vec<u8>> {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort();
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_cksum();
        builder.append_data(&mut header, path, bytes.as_slice())?;
    }
    builder.into_inner()
}

/// A learner's build, ready to send.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub context: Vec<u8>,
    /// Of the context and everything else that the image depends on.
    pub digest: String,
    /// References that the Dockerfile builds on, as they are written there.
    pub from: Vec<String>,
}

/// Reads a build context. `replace` gives the image that stands in for a reference of the Dockerfile.
///
/// # Errors
/// The Dockerfile or a file of the context cannot be read.
pub fn prepare(
    context: &Path,
    dockerfile: &str,
    inline: Option<&str>,
    replace: &dyn Fn(&str) -> Option<String>,
) -> Result<Prepared, ImageError> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| ImageError::File {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let path = context.join(dockerfile);
    let text = match inline {
        Some(text) => text.to_owned(),
        None => std::fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ImageError::NoDockerfile { name: dockerfile.to_owned() },
            _ => failed(&path, &error),
        })?,
    };
    let (sent, from) = substitute(&text, replace);
    let inputs = copied(&text);
    let mut files = vec![("Dockerfile.labrunner".to_owned(), sent.into_bytes(), 0o644)];
    let ignored = ignored(context, dockerfile)?;
    for entry in WalkDir::new(context) {
        let entry = entry.map_err(|error| failed(context, &error))?;
        let Ok(relative) = entry.path().strip_prefix(context) else { continue };
        let wanted = inputs.as_ref().is_none_or(|inputs| inputs.iter().any(|input| relative.starts_with(input)));
        let name = relative.display().to_string();
        if !wanted || !entry.file_type().is_file() || ignored.leaves_out(&name) {
            continue;
        }
        let bytes = std::fs::read(entry.path()).map_err(|error| failed(entry.path(), &error))?;
        files.push((name, bytes, mode(entry.path())));
    }
    let packed = pack(files).map_err(|error| failed(context, &error))?;
    let digest = hex::encode(&Sha256::digest(&packed)[..16]);
    Ok(Prepared { context: packed, digest, from })
}

/// `<Dockerfile>.dockerignore` beside the Dockerfile, or else the context's `.dockerignore`.
fn ignored(context: &Path, dockerfile: &str) -> Result<DockerIgnore, ImageError> {
    for path in [context.join(format!("{dockerfile}.dockerignore")), context.join(".dockerignore")] {
        if let Ok(text) = std::fs::read_to_string(&path) {
            return DockerIgnore::parse(&text).map_err(|message| ImageError::File { path, message });
        }
    }
    Ok(DockerIgnore::default())
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let executable = path.metadata().is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0);
    if executable { 0o755 } else { 0o644 }
}

#[cfg(not(unix))]
fn mode(_: &Path) -> u32 {
    0o644
}

/// The paths that COPY and ADD take from the context; `None` when they cannot be told, so all count.
fn copied(dockerfile: &str) -> Option<Vec<String>> {
    let mut inputs = Vec::new();
    for line in instructions(dockerfile) {
        let mut words = line.split_whitespace();
        let instruction = words.next().unwrap_or_default().to_uppercase();
        if instruction == "RUN" && line.contains("--mount") {
            return None;
        }
        if instruction != "COPY" && instruction != "ADD" {
            continue;
        }
        let words: Vec<&str> = words.collect();
        if words.iter().any(|word| word.starts_with("--from")) {
            continue;
        }
        let sources: Vec<&&str> = words.iter().filter(|word| !word.starts_with("--")).collect();
        let (_, sources) = sources.split_last()?;
        for source in sources {
            let plain = source.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            if plain.is_empty() || plain == "." || plain.contains(['*', '?', '[', '$', '"', '<']) {
                return None;
            }
            inputs.push(plain.to_owned());
        }
    }
    Some(inputs)
}

/// Lines with their continuations joined, comments left out.
fn instructions(dockerfile: &str) -> Vec<String> {
    let joined = dockerfile.replace("\\\r\n", " ").replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Puts other images in place of those that `FROM`, `COPY --from` and `RUN --mount=from` name. Defaults of
/// `ARG` before the first `FROM` are filled in. A `# syntax=` line names an image too and is left out when
/// it would be replaced.
fn substitute(text: &str, replace: &dyn Fn(&str) -> Option<String>) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let mut stages: Vec<String> = Vec::new();
    let mut arguments: Vec<(String, String)> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let first = words.first().copied().unwrap_or_default();
        if let Some(syntax) =
            line.trim_start_matches(['#', ' ']).strip_prefix("syntax=").filter(|_| first.starts_with('#'))
        {
            if replace(syntax.trim()).is_none() {
                lines.push(line.to_owned());
            }
            continue;
        }
        if first.eq_ignore_ascii_case("ARG")
            && stages.is_empty()
            && let Some((name, value)) = words.get(1).and_then(|pair| pair.split_once('='))
        {
            arguments.push((name.to_owned(), value.trim_matches('"').to_owned()));
        }
        if first.eq_ignore_ascii_case("FROM") {
            let Some(image) = words.iter().skip(1).find(|word| !word.starts_with("--")) else { continue };
            let mut name = (*image).to_owned();
            for (argument, value) in &arguments {
                name = name.replace(&format!("${{{argument}}}"), value).replace(&format!("${argument}"), value);
            }
            if let Some(position) = words.iter().position(|word| word.eq_ignore_ascii_case("AS")) {
                stages.extend(words.get(position + 1).map(|stage| (*stage).to_owned()));
            } else {
                stages.push(String::new());
            }
            if name != "scratch" && !stages[..stages.len() - 1].contains(&name) {
                let other = replace(&name).unwrap_or_else(|| name.clone());
                names.push(name);
                lines.push(line.replacen(image, &other, 1));
                continue;
            }
        }
        let from = words.iter().find_map(|word| {
            word.strip_prefix("--from=").or_else(|| word.split(',').find_map(|part| part.strip_prefix("from=")))
        });
        match from.filter(|name| !stages.iter().any(|stage| stage == name) && name.parse::<u32>().is_err()) {
            Some(name) => {
                let other = replace(name).unwrap_or_else(|| name.to_owned());
                lines.push(line.replacen(&format!("from={name}"), &format!("from={other}"), 1));
                names.push(name.to_owned());
            }
            None => lines.push(line.to_owned()),
        }
    }
    (lines.join("\n") + "\n", names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_replaced_wherever_a_dockerfile_names_them() {
        let text = "# syntax=docker/dockerfile:1\nARG V=3.13\nFROM --platform=linux/amd64 python:${V}-slim AS build\n\
            FROM build\nCOPY --from=redis:8 /x /x\nCOPY --from=build /y /y\nRUN --mount=type=bind,from=redis:8 true\n";
        let (sent, names) = substitute(text, &|name| Some(format!("local/{name}")));
        assert_eq!(names, ["python:3.13-slim", "redis:8", "redis:8"]);
        assert_eq!(
            sent,
            "ARG V=3.13\nFROM --platform=linux/amd64 local/python:3.13-slim AS build\nFROM build\n\
             COPY --from=local/redis:8 /x /x\nCOPY --from=build /y /y\nRUN --mount=type=bind,from=local/redis:8 true\n"
        );
    }

    #[test]
    fn only_copied_paths_count_unless_they_cannot_be_told() {
        assert_eq!(
            copied("FROM x\nCOPY requirements.txt \\\n  setup.py /app/\n"),
            Some(vec!["requirements.txt".into(), "setup.py".into()])
        );
        assert_eq!(copied("FROM x\nCOPY . /app\n"), None);
        assert_eq!(copied("FROM x\nCOPY --from=y /a /b\n"), Some(vec![]));
    }
}
