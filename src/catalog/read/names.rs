//! Names in expressions: each has to exist where it is used.

use super::Reader;
use crate::catalog::diagnostic::nearest;
use crate::catalog::tree::Node;
use crate::lab::random::TYPES;

/// The captures and `as` names that exist at a step.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn add(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }
}

impl Reader<'_> {
    /// Reports names that nothing has given a value before `place`.
    pub(super) fn check_names<'n>(
        &mut self,
        names: impl IntoIterator<Item = &'n [String]>,
        scope: &Names,
        place: &Node,
    ) {
        for name in names {
            let whole = name.join(".");
            let problem = match name {
                [first, rest @ ..] if first == "random" => match rest.first() {
                    Some(kind) if TYPES.contains(&kind.as_str()) => None,
                    Some(kind) => Some((
                        format!("there is no random `{kind}`"),
                        nearest(kind, TYPES).map_or_else(
                            || format!("there are {}", TYPES.join(", ")),
                            |near| format!("did you mean `{near}`?"),
                        ),
                    )),
                    None => Some((
                        "`random` needs a type".to_owned(),
                        format!("for example `random.id`; there are {}", TYPES.join(", ")),
                    )),
                },
                [first, rest @ ..] if first == "settings" => {
                    let key = rest.first().map_or("", String::as_str);
                    // One without a value leaves out the checks that use it.
                    let known = self.declared.clone();
                    (!known.iter().any(|one| one == key)).then(|| {
                        let near = nearest(key, known.iter().map(String::as_str));
                        let hint = near.map_or_else(
                            || "declare it under `settings`".to_owned(),
                            |near| format!("did you mean `{near}`?"),
                        );
                        (format!("there is no setting `{key}`"), hint)
                    })
                }
                [first, ..] if first == "WORKSPACE" || first == "LAB" || scope.0.contains(first) => None,
                [first, ..]
                    if first
                        .strip_prefix("PORT_")
                        .is_some_and(|service| self.services.iter().any(|one| one.replace('-', "_") == service)) =>
                {
                    None
                }
                [first, ..] => {
                    let near = nearest(first, scope.0.iter().map(String::as_str));
                    let hint = near.map_or_else(
                        || "capture it in an earlier step of this check; other names are settings.…, random.…, WORKSPACE, LAB and PORT_service".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    Some((format!("nothing is known as `{whole}` here"), hint))
                }
                [] => None,
            };
            if let Some((message, hint)) = problem {
                self.findings.error("unknown-name", place.span, message, hint);
            }
        }
    }
}
