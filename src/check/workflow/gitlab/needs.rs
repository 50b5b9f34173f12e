//! What waits for what in a pipeline of GitLab's: stages and `needs`, and jobs that somebody has to start by hand.
//!
//! Source: GitLab's documentation, "CI/CD YAML syntax reference", `stages`, `needs` and `when`, and "Types of manual
//! jobs".

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::pipeline::Job;
use super::yaml::{flat, unknown};

const NEED: [&str; 4] = ["job", "artifacts", "optional", "parallel"];

/// Another job that one waits for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Need {
    pub job: String,
    /// It may be missing in the pipeline.
    pub optional: bool,
}

/// A job that is in the pipeline.
pub(super) struct Member {
    pub job: Job,
    /// Which of the stages, from the first on.
    pub stage: usize,
    /// Where it says nothing, it waits for the stages before its own.
    pub needs: Option<Vec<Need>>,
    pub when: String,
}

/// Reads `needs`; `names` are the jobs of the file.
///
/// # Errors
/// What GitLab would not accept, or what leads out of the file.
pub(super) fn read(node: Option<&Value>, names: &[&str]) -> Result<Option<Vec<Need>>, String> {
    let list = match node {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => flat(list),
        Some(Value::Object(_)) => return Err("it needs what is somewhere else, which cannot be looked at".into()),
        Some(other) => return Err(format!("`needs: {other}` is no list of jobs")),
    };
    let needs = list.into_iter().map(|one| need(one, names));
    needs.collect::<Result<_, String>>().map(Some)
}

fn need(node: &Value, names: &[&str]) -> Result<Need, String> {
    if let Some(key) = ["pipeline", "project"].into_iter().find(|key| node.get(key).is_some()) {
        return Err(format!("it needs a job of somewhere else (`needs:{key}`), which cannot be looked at"));
    }
    let (job, optional) = match node {
        Value::String(job) => (job.as_str(), false),
        Value::Object(map) => {
            if let Some(key) = map.keys().find(|key| !NEED.contains(&key.as_str())) {
                return Err(unknown(key, "`needs`", &NEED));
            }
            let job = map.get("job").and_then(Value::as_str).ok_or("one of its `needs` names no `job`")?;
            (job, map.get("optional") == Some(&Value::Bool(true)))
        }
        other => return Err(format!("`{other}` in `needs` is no job")),
    };
    // One that may be missing may be missing in the file too.
    if !optional && !names.contains(&job) {
        return Err(format!("it needs `{job}`: {}", unknown(job, "the file", names).replacen("keyword", "job", 1)));
    }
    Ok(Need { job: job.to_owned(), optional })
}

/// The jobs that go by themselves, in the order of stages, each with what it waits for.
///
/// # Errors
/// A job needs one that is not in this pipeline.
pub(super) fn join(mut members: Vec<Member>) -> Result<Vec<Job>, String> {
    members.sort_by_key(|member| member.stage);
    let names: Vec<String> = members.iter().map(|member| member.job.id.clone()).collect();
    for member in &mut members {
        let Some(needs) = &mut member.needs else { continue };
        needs.retain(|need| !need.optional || names.contains(&need.job));
        if let Some(missing) = needs.iter().find(|need| !names.contains(&need.job)) {
            let (name, missing) = (&member.job.id, &missing.job);
            return Err(format!(
                "the job `{name}` needs `{missing}`, which what happens does not start, and is not `optional`"
            ));
        }
    }
    let held = held(&members);
    members.retain(|member| !held.contains_key(&member.job.id));
    for at in 0..members.len() {
        members[at].job.needs = match &members[at].needs {
            Some(needs) => needs.iter().map(|need| need.job.clone()).collect(),
            None => before(&members[..at], members[at].stage),
        };
    }
    Ok(members.into_iter().map(|member| member.job).collect())
}

/// Jobs that wait for somebody: those that are started by hand, and all that wait for those. A job by hand that may
/// fail holds up only who needs it; any other holds up the stages after it too. By name, and whether it is such a one.
fn held(members: &[Member]) -> BTreeMap<String, bool> {
    let by_hand = members.iter().filter(|member| member.when == "manual");
    let mut held: BTreeMap<String, bool> =
        by_hand.map(|member| (member.job.id.clone(), !member.job.continue_on_error)).collect();
    loop {
        let waits = |member: &Member| match &member.needs {
            Some(needs) => {
                let mut reasons = needs.iter().filter_map(|need| held.get(&need.job)).peekable();
                reasons.peek().is_some().then(|| reasons.any(|blocks| *blocks))
            }
            None => {
                let earlier = members.iter().filter(|other| other.stage < member.stage);
                earlier.filter_map(|other| held.get(&other.job.id)).any(|blocks| *blocks).then_some(true)
            }
        };
        let more = members.iter().filter(|member| !held.contains_key(&member.job.id));
        let more: Vec<_> = more.filter_map(|member| Some((member.job.id.clone(), waits(member)?))).collect();
        if more.is_empty() {
            return held;
        }
        held.extend(more);
    }
}

/// All jobs of earlier stages, without those that another of them waits for anyway. One that only follows a failure is
/// waited for by nobody, as it is usually left out; one that goes in any case does not speak for those before it.
fn before(members: &[Member], stage: usize) -> Vec<String> {
    let earlier: Vec<&Member> =
        members.iter().filter(|member| member.stage < stage && member.when != "on_failure").collect();
    let covered =
        |name: &String| earlier.iter().any(|other| other.job.condition.is_none() && other.job.needs.contains(name));
    earlier.iter().map(|member| &member.job.id).filter(|name| !covered(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    /// A job as `name stage when needs`, where `-` is for no `needs`, and `!` behind `manual` for one that may not fail.
    fn member(text: &str) -> Member {
        let words: Vec<&str> = text.split(' ').collect();
        let when = words[2].trim_end_matches('!');
        let need = |name: &str| Need { job: name.trim_end_matches('?').into(), optional: name.ends_with('?') };
        let needs = words[3].split(',').filter(|name| !name.is_empty()).map(need).collect();
        let condition = match when {
            "always" => Some("always()".to_owned()),
            "on_failure" => Some("failure()".to_owned()),
            _ => None,
        };
        let job = Job {
            id: words[0].into(),
            name: None,
            needs: Vec::new(),
            condition,
            runs_on: Value::Null,
            container: None,
            services: Map::new(),
            environment: Map::new(),
            outputs: Map::new(),
            matrix: Value::Null,
            variants: Vec::new(),
            caches: Vec::new(),
            continue_on_error: words[2] == "manual",
            fail_fast: false,
            hands_on: false,
            steps: Vec::new(),
        };
        Member { job, stage: words[1].parse().unwrap(), needs: (words[3] != "-").then_some(needs), when: when.into() }
    }

    #[test]
    fn jobs_wait_for_stages_or_for_what_they_need() {
        for (jobs, expected) in [
            (vec!["b 1 on_success -", "a 0 on_success -"], "a: b:a"),
            (vec!["a 0 on_success -", "b 0 on_success -", "c 2 on_success -"], "a: b: c:a,b"),
            (vec!["a 0 on_success -", "b 1 on_success -", "c 2 on_success -"], "a: b:a c:b"),
            // A stage whose jobs wait for nobody does not stand for the one before it.
            (vec!["a 0 on_success -", "b 1 on_success ", "c 2 on_success -"], "a: b: c:a,b"),
            (vec!["a 0 on_success -", "b 1 always -", "c 2 on_success -"], "a: b:a c:a,b"),
            (vec!["a 0 on_success -", "b 1 on_failure -", "c 2 on_success -"], "a: b:a c:a"),
            (vec!["a 0 on_success -", "b 0 on_success -", "c 1 on_success a"], "a: b: c:a"),
            (vec!["a 0 on_success b", "b 1 on_success "], "a:b b:"),
            (vec!["a 0 on_success x?,b?", "b 0 on_success -"], "a:b b:"),
            // Whoever waits for somebody's hand does not go by itself.
            (vec!["a 0 manual -", "b 1 on_success -", "c 1 on_success a"], "b:"),
            (vec!["a 0 manual! -", "b 1 on_success -", "c 2 on_success "], "c:"),
            (vec!["m 2 manual! -", "a 0 on_success m", "b 1 on_success -"], ""),
            (vec!["m 0 manual -", "a 0 on_success m", "b 0 on_success a", "c 1 on_success -"], "c:"),
        ] {
            let joined = join(jobs.iter().map(|text| member(text)).collect()).unwrap();
            let shown: Vec<_> = joined.iter().map(|job| format!("{}:{}", job.id, job.needs.join(","))).collect();
            assert_eq!(shown.join(" "), expected, "{jobs:?}");
        }
        let missing = join(vec![member("a 0 on_success x")]).unwrap_err();
        assert!(missing.contains("the job `a` needs `x`, which what happens does not start"), "{missing}");
    }

    #[test]
    fn needs_are_read_as_documented() {
        let need = |job: &str, optional| Need { job: job.into(), optional };
        for (node, expected) in [
            (json!(null), None),
            (json!([]), Some(vec![])),
            (json!(["a", ["b"]]), Some(vec![need("a", false), need("b", false)])),
            (json!([{ "job": "a", "artifacts": false }]), Some(vec![need("a", false)])),
            (json!([{ "job": "zzz", "optional": true }]), Some(vec![need("zzz", true)])),
        ] {
            assert_eq!(read(Some(&node), &["a", "b"]), Ok(expected), "{node}");
        }
        for (node, why) in [
            (json!("a"), "is no list of jobs"),
            (json!({ "pipeline": "x" }), "which cannot be looked at"),
            (json!([{ "pipeline": "x", "job": "a" }]), "`needs:pipeline`), which cannot be looked at"),
            (json!([{ "project": "x", "job": "a" }]), "`needs:project`), which cannot be looked at"),
            (json!([{ "jobs": "a" }]), "`jobs` is no keyword of `needs`; did you mean `job`?"),
            (json!([{ "optional": true }]), "names no `job`"),
            (json!([1]), "`1` in `needs` is no job"),
            (json!(["tset"]), "it needs `tset`: `tset` is no job of the file; did you mean `test`?"),
        ] {
            let said = read(Some(&node), &["a", "test"]).unwrap_err();
            assert!(said.contains(why), "{node}: {said}");
        }
    }
}
