//! Who goes first when much begins at once.
//!
//! A start takes as long as its slowest service, and what begins beside that one takes cores and the engine from it
//! just when it needs them.

use std::collections::BTreeMap;

use super::plan::{ContainerAction, Plan, PlannedContainer};
use crate::lab::ServiceName;

/// The service that runs before the others begin; `None` where all begin at once. `took` has the milliseconds from
/// start to ready of earlier starts. One that took longer than all others together is ready last even so.
pub fn head_start<'a>(plan: &'a Plan, took: &BTreeMap<String, u64>) -> Option<&'a ServiceName> {
    let begins = |one: &&PlannedContainer| !matches!(one.action, ContainerAction::Keep(_));
    let known: Vec<(u64, &PlannedContainer)> = plan
        .containers
        .iter()
        .filter(begins)
        .map(|one| Some((*took.get(one.spec.service.as_str())?, one)))
        .collect::<Option<_>>()?;
    let (longest, slowest) = known.iter().max_by_key(|(took, _)| *took)?;
    let others: u64 = known.iter().map(|(took, _)| took).sum::<u64>() - longest;
    // What has to wait for others cannot go before them.
    let first = known.len() > 1 && *longest > others && slowest.spec.definition.depends_on.is_empty();
    first.then_some(&slowest.spec.service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::engine::{ContainerState, ObservedContainer};
    use crate::environment::wanted::ContainerSpec;
    use crate::lab::stack::{Condition, Dependency, Service};

    fn plan(names: &[&str]) -> Plan {
        let container = |name: &&str| PlannedContainer {
            spec: ContainerSpec { service: ServiceName::new(name).unwrap(), ..ContainerSpec::bare(Service::default()) },
            action: ContainerAction::Create,
            reason: String::new(),
        };
        Plan { containers: names.iter().map(container).collect(), ..Plan::default() }
    }

    fn running(name: &str) -> ObservedContainer {
        ObservedContainer {
            id: "1".into(),
            name: name.into(),
            service: ServiceName::new(name).unwrap(),
            replica: 1,
            spec: String::new(),
            generation: 1,
            state: ContainerState::Running,
            exit_code: None,
            image_id: "sha256:1".into(),
            addresses: BTreeMap::new(),
            ports: Vec::new(),
        }
    }

    fn took(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
        list.iter().map(|(name, took)| ((*name).to_owned(), *took)).collect()
    }

    fn first(plan: &Plan, list: &[(&str, u64)]) -> Option<String> {
        head_start(plan, &took(list)).map(ToString::to_string)
    }

    #[test]
    fn one_that_takes_longer_than_all_others_together_goes_first() {
        let trio = plan(&["redis", "rabbitmq", "db"]);
        assert_eq!(first(&trio, &[("redis", 300), ("rabbitmq", 4000), ("db", 900)]).as_deref(), Some("rabbitmq"));
        assert_eq!(first(&trio, &[("redis", 300), ("rabbitmq", 1200), ("db", 900)]), None, "not by far the slowest");
        assert_eq!(first(&trio, &[("redis", 300), ("rabbitmq", 4000)]), None, "nobody knows how long `db` takes");
        assert_eq!(first(&plan(&["db"]), &[("db", 900)]), None, "nobody to go before");
    }

    #[test]
    fn one_that_waits_for_others_does_not_go_first() {
        let mut pair = plan(&["db", "web"]);
        let dependency = Dependency { condition: Condition::Started, required: true, restart: false };
        pair.containers[1].spec.definition.depends_on.insert(ServiceName::new("db").unwrap(), dependency);
        assert_eq!(first(&pair, &[("db", 500), ("web", 3000)]), None);
        assert_eq!(first(&pair, &[("db", 5000), ("web", 3000)]).as_deref(), Some("db"));
    }

    #[test]
    fn what_runs_already_has_no_part_in_it() {
        let mut trio = plan(&["redis", "rabbitmq", "db"]);
        trio.containers[1].action = ContainerAction::Keep(running("rabbitmq"));
        assert_eq!(first(&trio, &[("redis", 300), ("rabbitmq", 4000), ("db", 900)]).as_deref(), Some("db"));
    }
}
