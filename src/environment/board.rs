//! Who is how far on its way up, for those who wait.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::plan::{Plan, PlannedContainer};
use super::ready::NotReady;
use crate::lab::ServiceName;
use crate::lab::stack::Condition;

/// How a service's container is doing on its way up, as its dependants see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    Pending,
    Started,
    Ready,
    Failed(String),
}

/// The progress of every container of a plan.
pub(super) struct Board {
    progress: BTreeMap<(ServiceName, u32), watch::Sender<Progress>>,
}

impl Board {
    pub(super) fn new(plan: &Plan) -> Self {
        let key = |planned: &PlannedContainer| (planned.spec.service.clone(), planned.spec.replica);
        Self {
            progress: plan
                .containers
                .iter()
                .map(|planned| (key(planned), watch::Sender::new(Progress::Pending)))
                .collect(),
        }
    }

    pub(super) fn set(&self, planned: &PlannedContainer, progress: Progress) {
        if let Some(sender) = self.progress.get(&(planned.spec.service.clone(), planned.spec.replica)) {
            sender.send_replace(progress);
        }
    }

    /// Waits until every dependency of `planned` is where it has to be.
    pub(super) async fn dependencies(&self, planned: &PlannedContainer) -> Result<(), NotReady> {
        for (service, dependency) in &planned.spec.definition.depends_on {
            for ((_, _), sender) in self.progress.iter().filter(|((name, _), _)| name == service) {
                let mut receiver = sender.subscribe();
                let reached = receiver.wait_for(|progress| match progress {
                    Progress::Pending => false,
                    Progress::Started => dependency.condition == Condition::Started,
                    Progress::Ready | Progress::Failed(_) => true,
                });
                let state = match reached.await {
                    Ok(state) => state.clone(),
                    Err(_) => Progress::Failed("it was given up".into()),
                };
                if let Progress::Failed(reason) = state
                    && dependency.required
                {
                    let reason = format!("not started, because `{service}` is not ready: {reason}");
                    return Err(NotReady { reason, machine: false, log: Vec::new() });
                }
            }
        }
        Ok(())
    }

    /// Waits until `service` runs, or is known not to come to that.
    pub(super) async fn begun(&self, service: &ServiceName) {
        for (_, sender) in self.progress.iter().filter(|((name, _), _)| name == service) {
            // Senders live as long as the board.
            let _ = sender.subscribe().wait_for(|progress| *progress != Progress::Pending).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::plan::ContainerAction;
    use crate::environment::wanted::ContainerSpec;
    use crate::lab::stack::Service;

    #[tokio::test]
    async fn who_waits_for_one_to_begin_goes_on_when_it_runs_or_failed() {
        for progress in [Progress::Started, Progress::Failed("its image is gone".into())] {
            let spec = ContainerSpec::bare(Service::default());
            let planned = PlannedContainer { spec, action: ContainerAction::Create, reason: String::new() };
            let board = Board::new(&Plan { containers: vec![planned.clone()], ..Plan::default() });
            let begun = board.begun(&planned.spec.service);
            tokio::pin!(begun);
            assert!(futures_util::poll!(&mut begun).is_pending());
            board.set(&planned, progress);
            assert!(futures_util::poll!(&mut begun).is_ready());
        }
    }
}
