//! Counts the deaths of containers from the engine's events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::engine::Engine;
use super::identity::Identity;
use super::lock_of;
use super::ready::Deaths;

/// Listens as long as it lives.
pub(super) struct DeathWatch {
    deaths: Arc<Mutex<BTreeMap<String, watch::Sender<Deaths>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl DeathWatch {
    pub(super) fn begin<E: Engine>(engine: &E, identity: &Identity) -> Self {
        let deaths: Arc<Mutex<BTreeMap<String, watch::Sender<Deaths>>>> = Arc::default();
        let mut events = engine.events(identity);
        let shared = deaths.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let mut map = lock_of(&shared);
                let sender = map.entry(event.container).or_default();
                match event.action.as_str() {
                    "oom" => sender.send_modify(|deaths| deaths.out_of_memory = true),
                    "die" => sender.send_modify(|deaths| {
                        deaths.count += 1;
                        deaths.last_exit = event.exit_code;
                    }),
                    _ => {}
                }
            }
        });
        Self { deaths, task }
    }

    pub(super) fn of(&self, id: &str) -> watch::Receiver<Deaths> {
        lock_of(&self.deaths).entry(id.to_owned()).or_default().subscribe()
    }
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
