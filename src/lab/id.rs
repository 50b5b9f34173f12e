//! Names that were checked once: a value of these types is a valid name.

use std::fmt;

/// Why a text is no valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: {rule}")]
pub struct InvalidName {
    text: String,
    what: &'static str,
    rule: &'static str,
}

const ID_RULE: &str =
    "use lower-case letters, digits and single hyphens, beginning with a letter, at most 63 characters";
const SERVICE_RULE: &str =
    "use letters, digits, `_`, `-` and `.`, beginning with a letter or digit, at most 63 characters";

/// The rule for ids as a regular expression; besides, they have at most 63 characters.
pub const ID_PATTERN: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";

fn is_id(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.ends_with('-')
        && !text.contains("--")
}

fn is_service(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:ident, $test:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub struct $type(Box<str>);

        impl $type {
            /// Checks and takes over `text`; fails when it breaks the naming rule, which the error states.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                if $test(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { text: text.to_owned(), what: $what, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(/// The id of a lab, for example `month-3`.
    LabId, "lab id", ID_RULE, is_id);
name!(/// The id of a goal within its lab, for example `async-email`.
    GoalId, "goal id", ID_RULE, is_id);
name!(/// The name of a service within a stack, for example `web`.
    ServiceName, "service name", SERVICE_RULE, is_service);
name!(/// The name of one running copy of a lab; `default` unless asked otherwise.
    InstanceName, "instance name", ID_RULE, is_id);

impl ServiceName {
    /// What labrunner itself adds to an environment goes by a name that no service of a lab has.
    pub fn own(what: &str) -> Self {
        Self(format!("{OWN}{what}").into())
    }

    /// Whether it is no service of the lab.
    pub fn is_own(&self) -> bool {
        self.0.starts_with(OWN)
    }
}

const OWN: &str = "labrunner.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_lower_case_words_joined_by_single_hyphens() {
        let pattern = regex::Regex::new(ID_PATTERN).unwrap();
        for good in ["a", "month-3", "celery-redis"] {
            assert!(LabId::new(good).is_ok() && pattern.is_match(good), "{good}");
        }
        for bad in ["", "3", "Month-3", "a--b", "a-", "a_b", "ä"] {
            assert!(LabId::new(bad).is_err() && !pattern.is_match(bad), "{bad}");
        }
    }
}
