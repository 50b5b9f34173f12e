//! Events as plain lines, for pipes, CI and files.

use super::text::{sanitise, seconds};
use crate::event::{Event, ServiceState, Sink};

/// Writes a line for each change that matters to standard error.
pub struct Plain;

impl Sink for Plain {
    fn emit(&self, event: Event) {
        if let Some(line) = words(&event) {
            super::complain(&format!("{line}\n"));
        }
    }
}

/// The words for an event, shared by all sinks; `None` for what is only worth showing while it lasts.
pub fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::StartBegan { lab, services } => match services {
            0 => format!("starting {lab}: it runs no services of its own"),
            1 => format!("starting {lab}: 1 service"),
            _ => format!("starting {lab}: {services} services"),
        },
        Event::ImageBegan { image, how } => match *how {
            "pull" => format!("pulling {image}"),
            "recipe" => format!("building {image} from its recipe"),
            _ => format!("building {image}"),
        },
        Event::ImageDone { image, took } => format!("{image} is there ({})", seconds(took.as_millis())),
        Event::Service { service, state } => match state {
            ServiceState::Ready(took) => format!("{service} is ready ({})", seconds(took.as_millis())),
            ServiceState::Completed => format!("{service} has completed"),
            ServiceState::Failed(why) => format!("{service} failed: {}", sanitise(why)),
            ServiceState::Emptied => format!("{service} is emptied"),
            ServiceState::Removed => format!("{service} is removed"),
            ServiceState::Stopped => format!("{service} is stopped"),
            ServiceState::Creating
            | ServiceState::Waiting
            | ServiceState::Starting
            | ServiceState::Started
            | ServiceState::Stopping
            | ServiceState::Unchanged => return None,
        },
        Event::GoalDone { goal, verdict, took } => format!("{goal}: {verdict} ({})", seconds(took.as_millis())),
        Event::Note { text } => sanitise(text),
        Event::Warning { text } => format!("warning: {}", sanitise(text)),
        Event::TaskBegan { what } => sanitise(what),
        Event::ImageLayer { .. }
        | Event::ImageLine { .. }
        | Event::GoalBegan { .. }
        | Event::CheckBegan { .. }
        | Event::StepWaiting { .. }
        | Event::CheckDone { .. }
        | Event::TaskDone { .. } => return None,
    })
}
