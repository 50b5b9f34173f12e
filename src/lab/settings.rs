//! What a learner may set about a lab.

/// One entry of `settings:`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub about: String,
    pub kind: SettingType,
    /// A regular expression that the whole value has to match.
    pub matches: Option<String>,
    pub source: SettingDefault,
}

/// What a setting's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SettingType {
    #[default]
    Text,
    Number,
    Boolean,
}

/// Where the value comes from when the learner gave none.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingDefault {
    Value(serde_json::Value),
    /// None; checks that use it are left out, visibly.
    Optional,
    /// One of these, chosen by the workspace's seed.
    Choose(Vec<serde_json::Value>),
    /// A random value of this type (see `random` in expressions), chosen by the workspace's seed.
    Random(String),
}
