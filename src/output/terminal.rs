//! Events on a terminal: what lasts has a spinner or a bar, what is done a line. The only home of indicatif.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::plain::words;
use super::text::sanitise;
use crate::event::{Event, ServiceState, Sink};

/// Shows events on standard error.
pub struct Terminal {
    bars: MultiProgress,
    live: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Terminal {
    /// Draws at most twenty times a second.
    pub fn new() -> Self {
        Self { bars: MultiProgress::new(), live: Mutex::default() }
    }

    fn with_bar(&self, key: &str, change: impl FnOnce(&ProgressBar)) {
        let mut live = self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bar = live.entry(key.to_owned()).or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        change(bar);
    }

    fn end(&self, key: &str) {
        let mut live = self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = live.remove(key) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    fn line(&self, text: &str) {
        // Above the bars, or they would be torn apart.
        let _ = self.bars.println(text);
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink for Terminal {
    fn ask(&self, question: &str) -> Option<bool> {
        if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            return None;
        }
        self.bars.suspend(|| {
            super::complain(&format!("{} [y/N] ", sanitise(question)));
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).ok()?;
            Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
        })
    }

    fn emit(&self, event: Event) {
        match &event {
            Event::ImageBegan { image, .. } => {
                self.with_bar(image, |bar| bar.set_message(words(&event).unwrap_or_default()))
            }
            Event::ImageLayer { image, layer, status, current, total } => {
                let key = format!("{image} {layer}");
                if *total == 0 || current >= total {
                    return self.end(&key);
                }
                let percent = current * 100 / total;
                self.with_bar(&key, |bar| {
                    bar.set_message(format!("  {layer} {status} {percent} % of {} MB", total / 1_000_000))
                });
            }
            Event::ImageLine { image, line } => {
                self.with_bar(image, |bar| bar.set_message(format!("{image}: {}", sanitise(line))))
            }
            Event::ImageDone { image, .. } => {
                self.end(image);
                self.line(&words(&event).unwrap_or_default());
            }
            Event::Service { service, state } => {
                let key = format!("service {service}");
                match state {
                    ServiceState::Creating | ServiceState::Waiting | ServiceState::Starting | ServiceState::Started => {
                        let what = match state {
                            ServiceState::Creating => "is being made",
                            ServiceState::Waiting => "waits for others",
                            ServiceState::Starting => "is starting",
                            _ => "is not ready yet",
                        };
                        self.with_bar(&key, |bar| bar.set_message(format!("{service} {what}")));
                    }
                    _ => {
                        self.end(&key);
                        words(&event).iter().for_each(|text| self.line(text));
                    }
                }
            }
            Event::GoalBegan { goal, title, .. } => {
                self.with_bar(goal.as_str(), |bar| bar.set_message(format!("{goal}: {}", sanitise(title))))
            }
            Event::CheckBegan { goal, check } => {
                self.with_bar(goal.as_str(), |bar| bar.set_message(format!("{goal}: {}", sanitise(check))))
            }
            Event::StepWaiting { goal, check, seen } => {
                let seen = sanitise(seen).lines().next().unwrap_or_default().to_owned();
                self.with_bar(goal.as_str(), |bar| {
                    bar.set_message(format!("{goal}: {} (so far {seen})", sanitise(check)))
                });
            }
            // The report that follows says how each goal went.
            Event::GoalDone { goal, .. } => self.end(goal.as_str()),
            _ => words(&event).iter().for_each(|text| self.line(text)),
        }
    }
}
