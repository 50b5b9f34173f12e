//! Kinds that look at data: stores, files, what was handed in.

use super::{Reference, optional, required, seen};

pub(super) const REDIS: Reference = Reference {
    about: "One command to Redis.",
    fields: &[
        required("command", "a list of words"),
        optional("service", "the server"),
        optional("db", "its number; 0 unless told"),
        optional("username", ""),
        optional("password", ""),
    ],
    choices: &[],
    observed: &[
        seen("value", "the reply"),
        seen("type", "nil, integer, string, list, map, …"),
        seen("error", "what the server refused, else null"),
    ],
    main: "the reply",
    unsaid: "`error` is null",
    example: "- redis: { command: [LLEN, jobs] }\n  expect: { value: 0 }",
};

pub(super) const SQL: Reference = Reference {
    about: "One statement to PostgreSQL. User, password and database are those that the image was told, unless said.",
    fields: &[
        optional("service", "the server"),
        optional("query", "one statement; `$1`, `$2` … stand for parameters"),
        optional(
            "statements",
            "how often statements like this (`LIKE` of SQL, any case) were executed in the database since the server began; \
             the server has to be run with `-c shared_preload_libraries=pg_stat_statements`",
        ),
        optional("params", "a list, sent as text: the server reads each as the type that it expects"),
        optional("user", ""),
        optional("password", ""),
        optional("database", ""),
    ],
    choices: &["query", "statements"],
    observed: &[
        seen("count", "rows, or rows affected"),
        seen("calls", "executions of all `statements` together"),
        seen("value", "the first column of the first row"),
        seen("affected", "rows that a statement without rows changed"),
        seen("error", "what the server refused, else null"),
        seen("code", "its SQLSTATE"),
    ],
    main: "a list of rows, each a map; the plan of an `EXPLAIN (FORMAT JSON)`; of `statements` query, calls and rows",
    unsaid: "`error` is null",
    example: "- sql: { query: \"SELECT count(*) FROM orders WHERE customer = $1\", params: [\"${random.email}\"] }\n  expect: { value: 1 }",
};

pub(super) const FILE: Reference = Reference {
    about: "A file of the workspace, as text and as what it means.",
    fields: &[
        required("path", "from the workspace's folder"),
        optional(
            "as",
            "`text`, `json`, `yaml`, `toml`, `ini`, `markdown` or `dockerfile`; by the file's name unless told",
        ),
    ],
    choices: &[],
    observed: &[
        seen("exists", "a link out of the workspace does not"),
        seen("text", "whole"),
        seen("size", "bytes"),
        seen("lines", "how many"),
        seen("words", "how many; in Markdown what is commented out does not count"),
    ],
    main: "the document; of Markdown its `sections`, of a Dockerfile its instructions; null where it cannot be read",
    unsaid: "",
    example: "- file: { path: RETROSPECTIVE.md }\n  expect: { words: { gte: 80 }, \"$.sections[*].title\": { count: { gte: 3 } } }",
};

pub(super) const GIT: Reference = Reference {
    about: "The history of the workspace, where it is a repository of its own. Asked of git on this machine.",
    fields: &[
        optional("range", "commits of a branch or a range such as `main..feature`; those of HEAD unless told"),
        optional("limit", "how many commits at most; 200 unless told"),
    ],
    choices: &[],
    observed: &[
        seen("exists", "whether it is a repository"),
        seen("branch", "null when none is checked out"),
        seen("commits", "how many were found"),
        seen("clean", "nothing is changed or untracked"),
        seen("changed", "tracked files that differ"),
        seen("untracked", "files that git does not know"),
    ],
    main: "`commits` (hash, author, email, time, merge, subject, body), `branches`, `tags`, `files`",
    unsaid: "",
    example: "- git: {}\n  expect: { clean: true, \"$.branches\": { contains: main } }",
};

pub(super) const EVIDENCE: Reference = Reference {
    about: "A file or a link that the learner hands in. It shows what was handed in, and never proves what it says. Of an \
            Open Badge (2.0 or 3.0, as JSON or baked into a PNG) it is read what it says; its signature is not looked at.",
    fields: &[
        optional("path", "a file of the workspace"),
        optional("link", "an address of the world"),
        optional("issued", "the day that the learner gives, as in 2026-11-28; that of a badge unless told"),
        optional("expires", "the same of its end"),
    ],
    choices: &["path", "link"],
    observed: &[
        seen("exists", "a link: it answers with a status below 400"),
        seen("type", "`text`, `pdf`, `png`, `jpeg`, `gif`, `zip` or `binary`, by its first bytes"),
        seen("size", "bytes"),
        seen("digest", "SHA-256"),
        seen("words", "of a text"),
        seen("text", "of a text"),
        seen("status", "of a link"),
        seen("age", "days since it was issued; null where no day is known, negative for one that is to come"),
        seen("left", "days until it expires; null where no day is known"),
    ],
    main: "`sections` of a Markdown text, `links` in it; `badge`, where it is one: name, issuer, issued, expires",
    unsaid: "`exists` is true",
    example: "- evidence: { path: certificate.pdf, issued: \"${issued}\" }\n  expect: { type: pdf, age: { between: [0, 1100] } }",
};

pub(super) const PRACTICAL: Reference = Reference {
    about: "The learner's timed practicals (`labrunner review`), as the record has them. Seen is the last one that is over \
            and asked for enough. In a proof, the record is that of the variant: the file `.practicals.json` of its workspace, a list of \
            `ended`, `minutes` and `goals` (lab, goal, `outcome`: passed, skipped or late, `redone`), which nothing else reads.",
    fields: &[optional("goals", "how many it has to have asked for; 1 unless told")],
    choices: &[],
    observed: &[
        seen("taken", "how many there were that are over and asked for enough"),
        seen("goals", "that were asked for in the last one"),
        seen("passed", "of those"),
        seen("share", "of those, 0 to 1"),
        seen("labs", "from how many labs they came"),
        seen("minutes", "that it was to take at most"),
        seen("gaps", "what did not pass, as in `month-4/wired`"),
        seen("open", "gaps that have not passed since either"),
    ],
    main: "the practicals that asked for enough, oldest first, as described above",
    unsaid: "",
    example: "- practical: { goals: 5 }\n  expect: { labs: { gte: 3 }, share: { gte: 0.6 } }",
};
