//! Kinds that run with the learner's project, inside its container. Their answers are untrusted, their crash is the
//! learner's failure.

use super::{Reference, optional, required, seen};

pub(super) const COMPOSE: Reference = Reference {
    about: "The learner's own Compose files: what they say, and, in a stack of their own (`stacks` with `compose`), \
            taking them down and bringing them up again. Services go by the lab's names (`names`), files that Docker \
            Compose would refuse fail the check.",
    fields: &[
        optional("files", "a file of the workspace, or a list, laid one over the other; read and filled in"),
        optional("environment", "with `files`: a map that fills their `${…}`, over what an `.env` beside them says"),
        optional("down", "`true`: as `docker compose down`, volumes stay"),
        optional("volumes", "with `down`, `true`: named volumes go too, as with `down -v`"),
        optional("up", "`true`: as `docker compose up -d`, then waits for the stack's `ready`"),
    ],
    choices: &["files", "down", "up"],
    observed: &[
        seen("services", "their names"),
        seen("unready", "with `up`: services that are not ready, with the reason"),
    ],
    main: "with `files`: `services` (image, build, command, entrypoint, environment, ports, volumes, depends_on, \
           healthcheck, user, read_only, init, scale), `volumes`, `networks`",
    unsaid: "with `up`, `unready` is empty",
    example: "- compose: { files: compose.yaml }\n  expect: { \"$.services.db.ports\": { is_empty: true } }",
};

pub(super) const WORKFLOW: Reference = Reference {
    about: "What a learner's continuous integration is set up to do: the files of GitHub Actions below \
            `.github/workflows`, or, where there are none, GitLab's `.gitlab-ci.yml`, and which of their jobs something \
            that happens would start (for GitLab, `pull_request` is a merge request). A file that the platform would \
            refuse fails the check. With `replay` those jobs are run, each in a clean container on the environment's network, \
            on the files of the workspace as one commit. Known of the marketplace are actions/checkout, actions/setup-python, \
            astral-sh/setup-uv, actions/cache (never a hit), actions/upload-artifact (not kept), \
            docker/setup-buildx-action, docker/setup-qemu-action, docker/login-action, docker/build-push-action; in `run`, `docker build`, `tag`, `push` \
            and `login`; the runner has Python 3.13, pip, git, curl, bash. Containers of a job's `services` answer at \
            `localhost` and by name. A job of GitLab's that fails after one with `artifacts` is not judged. What else a file asks for leaves the step undecided.",
    fields: &[
        optional("file", "one of them, relative to the workspace; all unless told"),
        optional("event", "what happens: `push`, `pull_request`, …"),
        optional("branch", "that is pushed to, or that a pull request wants to go to; `main` unless told"),
        optional("replay", "`true`: the jobs are run; `timeout` is 10m unless told"),
        optional("secrets", "with `replay`: a map"),
        optional("variables", "with `replay`: a map, the context `vars`"),
    ],
    choices: &[],
    observed: &[
        seen("conclusion", "with `replay`: `success`, `failure`, or `skipped` where no job ran"),
        seen("sha", "with `replay`: the commit"),
        seen("log", "with `replay`: what the jobs wrote, secrets masked"),
        seen("failures", "with `replay`: what the steps wrote that made a job fail, secrets masked"),
        seen("leaked", "with `replay`: names of secrets that a job wrote, masked or not, also in Base64"),
        seen("pushed", "with `replay`: images that were pushed"),
        seen("files", "that were read"),
        seen("triggered", "whether the event starts one of them"),
        seen("jobs", "of those that are started"),
    ],
    main: "`workflows`: file, name, `triggers` (event, branches, types), `jobs` (id, name, needs, if, runs_on, container, \
           services, matrix as a list of combinations, `caches` (paths, or a package manager), `steps` with id, name, if, run, uses); with `replay` also `replayed`: job, name, matrix, result, `steps` (name, \
           result)",
    unsaid: "",
    example: "- workflow: { event: pull_request }\n  expect: { triggered: true, jobs: { count: { gte: 1 } } }",
};

pub(super) const DJANGO: Reference = Reference {
    about: "What a project is set up to be, asked of Django itself with the project's own settings.",
    fields: &[
        required("service", "in whose container"),
        optional("settings", "a list of names"),
        optional("migrations", "`true`: what is not applied, and what is not written"),
        optional("urls", "`true`: everything that is registered"),
        optional(
            "request",
            "`path`, `method`, `json`, `headers`, `user` (logged in); a GET is made twice and the second one counts, \
             `warm: false` makes it once",
        ),
    ],
    choices: &["settings", "migrations", "urls", "request"],
    observed: &[
        seen("pending", "migrations that are not applied"),
        seen("unwritten", "changes of models without a migration"),
        seen("count", "addresses that are registered"),
        seen("status", "of the request"),
        seen("queries", "how many statements it sent to the databases"),
        seen("duration", "of the request, seconds"),
        seen("body", "of the answer"),
    ],
    main: "settings: a map; migrations: `pending`, `unwritten`; urls: a list of route, name, view; request: `queries` \
           (the statements), `json`",
    unsaid: "",
    example: "- django: { service: web, request: { path: /products/ } }\n  expect: { status: 200, queries: { lte: 3 } }",
};

pub(super) const CELERY: Reference = Reference {
    about: "What a worker says of itself.",
    fields: &[
        required("service", "the worker"),
        optional("app", "as in `celery -A`; read from the service's command unless told"),
        optional("ping", "`true`: is it there?"),
        optional("inspect", "one of Celery's own questions, for example `registered`"),
        optional("result", "a task's id"),
    ],
    choices: &["ping", "inspect", "result"],
    observed: &[
        seen("alive", "it answered"),
        seen("workers", "names of those that answered"),
        seen("state", "of the task"),
        seen("ready", "the task has ended"),
        seen("result", "what it returned, or what it raised"),
        seen("traceback", ""),
    ],
    main: "the answer to `inspect`, the result of the task",
    unsaid: "with `ping`, `alive` is true",
    example: "- celery: { service: worker, result: \"${task}\" }\n  within: 8s\n  expect: { state: SUCCESS }",
};

pub(super) const PYTEST: Reference = Reference {
    about: "The learner's test suite. Outcomes come from its JUnit report, coverage from coverage's JSON; what it prints is \
            never read. Both packages have to be in the image. With `mutants` the suite is judged itself: bugs are put \
            into a copy of the application, one at a time, and the suite has to turn red.",
    fields: &[
        required("service", "in whose container"),
        optional("arguments", "a list, for example files"),
        optional("coverage", "packages or folders that are measured, by line and branch"),
        optional("random_order", "a number: all tests in an order of its own, the same for the same number"),
        optional(
            "mutants",
            "a file of the lab with a list of `name`, `about` (the bug in a learner's words), `area`, `file`, `find`, \
             `replace`; `find` is looked for in the file as Python's `ast.unparse` writes it, so that style and comments do \
             not count, and has to be there once",
        ),
        optional("area", "only mutants of this area"),
    ],
    choices: &[],
    observed: &[
        seen("code", "pytest's exit code"),
        seen("total", "tests that were found"),
        seen("passed", ""),
        seen("failed", ""),
        seen("errors", "tests that could not be set up or torn down"),
        seen("skipped", ""),
        seen("duration", "of all tests, seconds"),
        seen("coverage", "percent of lines and branches together; null where nothing was measured"),
        seen("lines", "percent of lines"),
        seen("branches", "percent of branches"),
        seen("green", "with `mutants`: all tests pass while there is no bug; no mutant is tried before"),
        seen("mutants", "with `mutants`: how many were tried"),
        seen("killed", "with `mutants`: how many made a test fail, or never end"),
        seen("share", "with `mutants`: killed ones among those tried, 0 to 1"),
        seen("survived", "with `mutants`: what nobody noticed, in words"),
        seen("unfit", "with `mutants`: names of those whose place is not in the learner's code"),
        seen("broken", "with `mutants`: names of those with which no test could be run"),
        seen("stdout", "what was printed"),
    ],
    main: "`tests` (id, outcome, message, duration), `files` (percent, missing lines); with `mutants`, `mutants` (name, area, \
           about, outcome, by)",
    unsaid: "",
    example: "- pytest: { service: web, coverage: [store] }\n  timeout: 2m\n  expect: { failed: 0, errors: 0, coverage: { gte: 80 } }",
};
