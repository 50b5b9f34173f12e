//! The keys of a lab's file, what each takes, and what it is for: read by the reader (which keys there are) and by the
//! schema (all of it). Kinds of steps stand in `reference`, Compose's keys in `compose`.

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Any,
    Text,
    /// An id: small letters, digits and `-`.
    Id,
    Flag,
    /// A whole number, both ends included.
    Number(i64, i64),
    /// `10s`, `500ms`, `2m`
    Duration,
    OneOf(&'static [&'static str]),
    /// A list with at least so many entries.
    List(usize, &'static Shape),
    Map(&'static Shape),
    /// A map with these keys and no others.
    Keys(&'static [Key]),
    /// What a definition of the schema says.
    Named(&'static str),
    Either(&'static [Shape]),
}

/// One key of a map.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub required: bool,
    pub shape: Shape,
    pub about: &'static str,
}

const fn needed(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, required: true, shape, about }
}

const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, required: false, shape, about }
}

/// The names of keys, in the order in which they are told.
pub fn names(keys: &'static [Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

use Shape::{Any, Duration, Either, Flag, Id, Keys, List, Map, Named, Number, OneOf, Text};

const MANY: i64 = u32::MAX as i64;
const TEXTS: Shape = List(0, &Text);
const STEPS: Shape = List(1, &Named("step"));
/// `web`, `web.2`, `${w}`, or several.
const TARGETS: Shape = Either(&[Text, List(0, &Text)]);

/// `lab.yaml`
pub const LAB: &[Key] = &[
    needed("format", Number(1, 1), "the version of this format"),
    needed("id", Id, "stays for good: records and other labs name it; for example `month-3`"),
    needed("slug", Id, "another name, for example `celery-redis`"),
    key("aliases", List(0, &Id), "names that the lab had before"),
    needed("title", Text, "what the lab is called in lists"),
    needed("month", Number(1, 12), "of the roadmap"),
    key("summary", Text, "one sentence for lists"),
    key("starter", TEXTS, "folders that make the workspace, laid one over the other; `starter` unless told"),
    key("needs", List(0, &Named("need")), "what the learner is asked for, because it is not safe for everybody"),
    key("settings", Map(&Keys(SETTING)), "what the learner may say with `--set name=value`"),
    needed("services", Map(&Named("service")), "as in the Compose specification"),
    key("volumes", Map(&Named("volume")), "as in the Compose specification"),
    key("networks", Map(&Named("network")), "as in the Compose specification"),
    key("configs", Map(&Any), "as in the Compose specification"),
    key("secrets", Map(&Any), "as in the Compose specification"),
    key("stacks", Map(&Keys(STACK)), "throwaway copies of the environment, for checks that would hurt the learner's"),
    key("ready", Map(&Named("step")), "by service: the step that tells when it can be used"),
    key(
        "reset",
        Map(&List(0, &Named("step"))),
        "by service: steps that empty it; what they leave is compared with what it held when it was new",
    ),
    key(
        "reload",
        Map(&OneOf(&["self", "restart", "rebuild"])),
        "by service: how it takes up changed files; `restart` unless told",
    ),
    key(
        "owner",
        Map(&OneOf(&["learner", "lab"])),
        "by service: whose work it is; the learner's, if it builds from or mounts the workspace",
    ),
    needed("goals", List(0, &Either(&[Keys(GOAL), Keys(USE)])), "what is to be reached"),
    key("workspace", Keys(WORKSPACE), "about the learner's files"),
];

const WORKSPACE: &[Key] = &[key(
    "ignore",
    TEXTS,
    "patterns as in a `.gitignore`: files that never count, and stay when the workspace is reset",
)];

/// An entry of `settings`.
pub const SETTING: &[Key] = &[
    needed("about", Text, "what it is for, in a few words"),
    key("type", OneOf(&["text", "number", "boolean"]), "`text` unless told"),
    key("matches", Text, "a regular expression for the whole value"),
    key("default", Any, "the value where nothing is said"),
    key("optional", Flag, "checks that use it are left out while it has no value"),
    key("choose", List(0, &Any), "one of these, by chance"),
    key("random", Text, "a type of random value: `id`, `email`, `word`, `name`, `int`, `uuid`"),
];

/// An entry of `stacks`.
pub const STACK: &[Key] = &[
    key("from", Text, "another stack above, to begin with"),
    key(
        "compose",
        Either(&[Text, List(1, &Text)]),
        "the learner's own Compose files, relative to the workspace, in place of the lab's services",
    ),
    key("names", Map(&Text), "of a stack with `compose`: what the lab calls a service, and its name in the files"),
    key("services", Map(&Named("service")), "laid over the services, as another Compose file would be"),
    key(
        "environment",
        Map(&Any),
        "set in every service of the learner, null takes a variable away; with `compose`, what fills the files' `${…}`",
    ),
    key("scale", Map(&Number(0, 50)), "by service: how many of it"),
    key("workspace", OneOf(&["learner", "starter"]), "whose files; the learner's unless told"),
    key("changes", Named("changes"), "made before it is started"),
    key("ready", Map(&Named("step")), "signs of readiness besides the lab's"),
    key("setup", List(0, &Named("step")), "taken once, when everything is up"),
];

/// `changes`, and what `change` does.
pub const CHANGES: &[Key] = &[
    key("overlay", Text, "a folder of the lab whose files are laid over the workspace"),
    key("edits", List(0, &Named("edit")), "changes of single files, in this order"),
    key("remove", TEXTS, "files to take away: patterns as in a `.gitignore`"),
];

/// An entry of `edits`.
pub const EDIT: &[Key] = &[
    needed("file", Text, "relative to the workspace"),
    key("find", Text, "has to be there exactly once"),
    key("replace", Text, "what takes its place"),
    key("append", Text, "put at the end"),
    key("write", Text, "the whole content"),
    key("copy", Text, "a file of the lab that takes its place, or `${WORKSPACE}/file`, another one of the workspace"),
];

/// An entry of `goals`.
pub const GOAL: &[Key] = &[
    needed("id", Id, "stays for good; its text is `tasks/<id>.md`"),
    key("aliases", List(0, &Id), "ids that it had before"),
    needed("title", Text, "what is reached, in a few words"),
    needed("roadmap", Text, "the bullet or Goal of the roadmap that it covers, word for word"),
    key("requires", List(0, &Id), "goals that come first; it is blocked while they are not reached"),
    needed("points", Number(0, MANY), "what it counts"),
    needed("hints", List(1, &Text), "three, each telling more than the one before"),
    key("detail", OneOf(&["full", "observed", "message"]), "how much a failure tells; `full` unless told"),
    key("inputs", TEXTS, "files of the workspace that decide it, for `watch`; all unless told"),
    needed("checks", List(1, &Keys(CHECK)), "all of them have to pass"),
];

/// A goal of another lab.
pub const USE: &[Key] =
    &[needed("use", Text, "for example `month-3/retries`: judged by its own checks in this lab's stack")];

/// An entry of `checks`.
pub const CHECK: &[Key] = &[
    needed("name", Text, "what it looks at, in a few words"),
    key("stack", Text, "`main` unless told, or one of `stacks`"),
    key("concurrent", Flag, "may run beside the other concurrent checks of its stack"),
    key("timeout", Duration, "of the whole check"),
    needed("steps", STEPS, "in this order; the first that does not hold ends it"),
];

/// What all steps share.
pub const STEP: &[Key] = &[
    key("name", Text, "for the report, where the kind says too little"),
    key("stack", Text, "another environment than the check's"),
    key("expect", Map(&Named("expected")), "by observed field or JSONPath"),
    key("within", Duration, "again and again until it holds, at most so long"),
    key("for", Duration, "it has to stay so"),
    key("meanwhile", List(0, &Named("step")), "steps that run beside it"),
    key("capture", Map(&Text), "a name for an observed field or JSONPath, for later steps"),
    key("else", OneOf(&["undecided", "defect"]), "the verdict where the expectation is not met; failed unless told"),
    key("message", Text, "what a learner reads first"),
    key("timeout", Duration, "of one observation; 10s unless told"),
];

/// What steps do that observe nothing.
pub const OTHERS: &[Key] = &[
    key("each", Keys(EACH), "repeats steps"),
    key("value", Text, "an expression to look at: `\"${after - before}\"`"),
    key("fault", Named("fault"), "breaks services on purpose"),
    key("heal", TARGETS, "mends services and waits until they are ready"),
    key("change", Named("changes"), "edits the files of a copy"),
];

/// `each`
pub const EACH: &[Key] = &[
    needed("in", Either(&[Text, List(0, &Any)]), "`1..20`, a list, or a template that becomes one"),
    needed("as", Text, "the name of the round's value"),
    key("parallel", Number(0, MANY), "so many rounds at once; 1 unless told"),
    needed("steps", STEPS, "taken in each round"),
];

/// `fault`: one of them, and `by`.
pub const FAULT: &[Key] = &[
    key("stop", TARGETS, "asked to end, killed after its grace period"),
    key("kill", TARGETS, "a crash; restart policies act"),
    key("pause", TARGETS, "its processes stand still"),
    key("restart", TARGETS, "stopped and started, and waited for"),
    key("disconnect", TARGETS, "cut off from the lab's networks"),
    key("delay", TARGETS, "what others send it over TCP arrives later, and so do its answers"),
    key("fill", TARGETS, "every tmpfs of it that has a size is full"),
    key("by", Duration, "of a `delay`: how late; 300ms unless told"),
];
