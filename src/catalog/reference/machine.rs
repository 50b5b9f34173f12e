//! Kinds that look at containers, images and programs.

use super::{Reference, optional, required, seen};

pub(super) const EXEC: Reference = Reference {
    about: "A command in a running service.",
    fields: &[
        required("service", ""),
        required("command", "a list of words, or a text for `sh -c`"),
        optional("user", "the container's unless told"),
        optional("environment", "a map, added to the container's"),
        optional("workdir", "the container's unless told"),
        optional("stdin", "a text"),
    ],
    choices: &[],
    observed: &[seen("code", "the exit code"), seen("stdout", ""), seen("stderr", ""), seen("duration", "seconds")],
    main: "standard output, where it is JSON",
    unsaid: "`code` is 0",
    example: "- exec: { service: web, command: python manage.py migrate --check }",
};

pub(super) const RUN: Reference = Reference {
    about: "A command in a fresh container, which is removed afterwards: of an image, with the workspace read-only below \
            /workspace, or of a service's own image and settings.",
    fields: &[
        optional("image", "an image, fetched or built like those of services"),
        optional("service", "a service of the lab"),
        optional("command", "a list of words, or a text for `sh -c`; of a service, its own unless told"),
        optional("environment", "a map; null takes a variable away"),
        optional("workdir", ""),
        optional("limit", "it is killed after so long, and `timed_out` is true"),
    ],
    choices: &["image", "service"],
    observed: &[
        seen("code", "the exit code"),
        seen("stdout", ""),
        seen("stderr", ""),
        seen("output", "both, one after the other"),
        seen("timed_out", "it had to be killed"),
        seen("duration", "seconds"),
    ],
    main: "standard output, where it is JSON",
    unsaid: "`code` is 0",
    example: "- run: { service: web, command: [python, manage.py, check, --deploy] }",
};

pub(super) const IMAGE: Reference = Reference {
    about: "How an image is configured, and what it is made of.",
    fields: &[
        optional("service", "the image of a service"),
        optional("image", "an image, fetched or built like those of services"),
        optional("find", "patterns as in a `.gitignore`: which files are in it, in any of its layers"),
        optional("search", "a text: which files have it in them, in any of the layers"),
    ],
    choices: &["image", "service"],
    observed: &[
        seen("user", "`root` where none is said"),
        seen("size", "bytes"),
        seen("layers", "how many"),
        seen("environment", "a map"),
        seen("command", "a list"),
        seen("entrypoint", "a list"),
        seen("workdir", ""),
        seen("exposed", "ports, such as `8000/tcp`"),
        seen("volumes", "paths"),
        seen("labels", "a map"),
        seen("healthcheck", "a list, such as `[CMD, …]`"),
    ],
    main: "all of it, with `history` (instruction, size) and the digests of its `layers`; `found` and `hits` (path, \
           layer), with `find` and `search`",
    unsaid: "",
    example: "- image: { service: web }\n  expect: { user: { not: root } }",
};

pub(super) const CONTAINER: Reference = Reference {
    about: "The state of a service's container.",
    fields: &[required("service", "or one of its replicas: `web.2`"), optional("processes", "`true`: what runs in it")],
    choices: &[],
    observed: &[
        seen("state", "`running`, `paused`, `exited`, …; `missing` when there is none"),
        seen("exit_code", ""),
        seen("health", "what its health check says"),
        seen("restarts", "how often the engine started it again"),
        seen("oom_killed", "it took more memory than it may"),
        seen("user", ""),
        seen("image", ""),
        seen("memory_limit", "bytes"),
        seen("environment", "a map"),
        seen("command", "a list"),
        seen("started_at", "RFC 3339"),
        seen("ports", "those of the container that are published on the machine"),
    ],
    main: "all of it; with `processes`, `processes` (pid, uid, command), numbers as the engine's machine has them",
    unsaid: "",
    example: "- container: { service: web }\n  expect: { restarts: 0 }",
};

pub(super) const LOG: Reference = Reference {
    about: "What a service wrote.",
    fields: &[
        required("service", ""),
        optional("since", "`check` (only what came since the check began) or `start`"),
        optional("tail", "only the last so many lines"),
    ],
    choices: &[],
    observed: &[seen("text", "the lines"), seen("count", "how many")],
    main: "the lines, as a list",
    unsaid: "",
    example: "- log: { service: worker, since: check }\n  expect: { text: { not: { contains: Traceback } } }",
};

pub(super) const PLUGIN: Reference = Reference {
    about: "A program of the lab, run on the learner's machine, for what no other kind can see. It gets one JSON document \
            (`input`, `workspace`, `lab`) on its standard input, and prints one. It inherits no environment, has the \
            step's time limit, and needs `needs: [plugin]` and the learner's consent. Its crash is a defect of the lab.",
    fields: &[required("program", "a file of the lab, executable"), optional("input", "any value")],
    choices: &[],
    observed: &[seen("stderr", "what it wrote there")],
    main: "the document that it printed",
    unsaid: "",
    example: "- plugin: { program: plugins/count.py, input: { below: 300 } }\n  expect: { \"$.files\": { gte: 5 } }",
};
