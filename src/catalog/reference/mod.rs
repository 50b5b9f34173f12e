//! What each kind of step takes and shows: read by the reader, by lint and by `docs/checks.md`.

mod broker;
mod data;
mod learner;
mod machine;
mod network;

use crate::lab::Kind;

/// A field of a step.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub required: bool,
    pub about: &'static str,
}

/// A part of an observation that `expect` and `capture` may name.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub name: &'static str,
    pub about: &'static str,
}

/// One kind, whole.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    pub about: &'static str,
    pub fields: &'static [Field],
    /// Fields of which exactly one has to be there.
    pub choices: &'static [&'static str],
    pub observed: &'static [Seen],
    /// What `$…` reads; empty when there is nothing.
    pub main: &'static str,
    /// What holds where `expect` does not name the field.
    pub unsaid: &'static str,
    pub example: &'static str,
}

const fn required(name: &'static str, about: &'static str) -> Field {
    Field { name, required: true, about }
}

const fn optional(name: &'static str, about: &'static str) -> Field {
    Field { name, required: false, about }
}

const fn seen(name: &'static str, about: &'static str) -> Seen {
    Seen { name, about }
}

/// The reference of a kind.
pub fn of(kind: Kind) -> &'static Reference {
    match kind {
        Kind::Http => &network::HTTP,
        Kind::Tcp => &network::TCP,
        Kind::Load => &network::LOAD,
        Kind::Mail => &network::MAIL,
        Kind::Redis => &data::REDIS,
        Kind::Sql => &data::SQL,
        Kind::File => &data::FILE,
        Kind::Git => &data::GIT,
        Kind::Evidence => &data::EVIDENCE,
        Kind::Practical => &data::PRACTICAL,
        Kind::Amqp => &broker::AMQP,
        Kind::Kafka => &broker::KAFKA,
        Kind::Django => &learner::DJANGO,
        Kind::Celery => &learner::CELERY,
        Kind::Pytest => &learner::PYTEST,
        Kind::Exec => &machine::EXEC,
        Kind::Run => &machine::RUN,
        Kind::Image => &machine::IMAGE,
        Kind::Container => &machine::CONTAINER,
        Kind::Compose => &learner::COMPOSE,
        Kind::Workflow => &learner::WORKFLOW,
        Kind::Log => &machine::LOG,
        Kind::Plugin => &machine::PLUGIN,
    }
}

/// `docs/checks.md`.
pub fn page() -> String {
    let mut text = String::from(HEAD);
    for kind in Kind::ALL {
        let reference = of(kind);
        text.push_str(&format!("\n## {}\n\n{}\n\n", kind.word(), reference.about));
        text.push_str(&format!("```yaml\n{}\n```\n\n", reference.example));
        text.push_str("| field | |\n| --- | --- |\n");
        for field in reference.fields {
            let required = if field.required { " (required)" } else { "" };
            text.push_str(&format!("| `{}`{required} | {} |\n", field.name, field.about));
        }
        if !reference.choices.is_empty() {
            let words: Vec<String> = reference.choices.iter().map(|choice| format!("`{choice}`")).collect();
            text.push_str(&format!("\nExactly one of {}.\n", words.join(", ")));
        }
        text.push_str("\n| observed | |\n| --- | --- |\n");
        for seen in reference.observed {
            text.push_str(&format!("| `{}` | {} |\n", seen.name, seen.about));
        }
        if !reference.main.is_empty() {
            text.push_str(&format!("| `$…` | {} |\n", reference.main));
        }
        if !reference.unsaid.is_empty() {
            text.push_str(&format!("\nWhere `expect` does not say otherwise: {}.\n", reference.unsaid));
        }
    }
    text
}

const HEAD: &str = "# Steps of a check

Made from the program; a test keeps it so. A step has one kind, and what all steps share: `name`, `expect`,
`within` (again and again until it holds, at most so long), `for` (it has to stay so), `capture`, `else`
(`undecided` or `defect` instead of failed), `message` (what a learner reads first; of a list in it, the first
five values are named) and `timeout` (of one observation, 10 s unless told).

A key of `expect` is an observed field (`status`, `headers.content-type`) or a JSONPath (RFC 9535) into the main
document. A value is a scalar, which has to be equal, or a map of operators: `equals`, `one_of`, `exists`, `type`,
`lt`, `lte`, `gt`, `gte`, `between`, `contains`, `starts_with`, `ends_with`, `matches`, `is_empty`, `not`, `count`,
`distinct`, `all`, `any`.

`service` may be left out where only one service of the lab fits.

Checks of a goal in one environment run in their order, behind those that are `concurrent`, and may use what an earlier
one has done. What fails behind a check that could not be judged is therefore `undecided` too.

A step without a kind does something else: `fault` breaks services, one (`web.2`: one replica) or a list; `heal` mends
them and waits until they are ready. What is not healed is healed when the check ends, or by the next command, should
this one be killed. `change` edits the files of a copy; `each` repeats steps; `value` looks at an expression.
`meanwhile` has steps that run beside it, `stack` names another environment than the check's.

| fault | |
| --- | --- |
| `stop` | as the engine stops a service: asked to end, killed after its grace period |
| `kill` | a crash; restart policies act |
| `pause` | its processes stand still, and connections stay |
| `restart` | stopped and started, and waited for |
| `disconnect` | cut off from the lab's networks; its processes run on |
| `delay` | `by: 300ms`, unless told otherwise: what others send it over TCP arrives so much later, and so do its answers. Connections that stand are broken first. Steps of the lab go to the service itself, in time |
| `fill` | every tmpfs of it that has a size is full |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_program_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        let now = page();
        if there != now {
            std::fs::write(path.with_extension("md.new"), &now).unwrap();
        }
        assert!(there == now, "docs/checks.md is not what the program says; what it says stands in docs/checks.md.new");
    }

    #[test]
    fn choices_are_fields_and_nothing_is_said_twice() {
        for kind in Kind::ALL {
            let reference = of(kind);
            let mut names: Vec<&str> = reference.fields.iter().map(|field| field.name).collect();
            assert!(reference.choices.iter().all(|choice| names.contains(choice)), "{}", kind.word());
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", kind.word());
            assert!(reference.example.starts_with(&format!("- {}:", kind.word())), "{}", kind.word());
        }
    }
}
