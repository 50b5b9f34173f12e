//! Labs that are broken on purpose, in every way that was seen in the field: each is caught, for its own reason.

use std::path::Path;

use crate::support::{LabEnv, Said};

/// How a good lab is broken, and what has to be said of it.
struct Broken {
    name: &'static str,
    /// File, what is there, what it becomes; nothing there means the whole file.
    edits: &'static [(&'static str, &'static str, &'static str)],
    /// After `lab`; `prove` where nothing is said.
    command: &'static [&'static str],
    says: &'static [&'static str],
}

const PROVE: &[&str] = &["prove", "page"];
const LINT: &[&str] = &["lint", "page"];

const CATALOGUE: &[Broken] = &[
    Broken {
        name: "a check that cannot fail",
        edits: &[("lab.yaml", "expect: { status: 200, body: { contains: hello } }", "expect: { status: 200 }")],
        command: &["prove", "page", "--only", "starter"],
        says: &["✗ starter", "greeting: passed, expected failed"],
    },
    Broken {
        name: "a goal that cannot be reached",
        edits: &[("lab.yaml", "body: { contains: hello } }", "body: { contains: goodnight } }")],
        command: &["prove", "page", "--only", "solution"],
        says: &["✗ solution", "greeting: failed, expected passed"],
    },
    Broken {
        name: "a check that lives on what another goal's check has left",
        edits: &[
            (
                "lab.yaml",
                "            message: the page does not say hello\n",
                "            message: the page does not say hello\n          - redis: { service: redis, command: [SET, seen, \"1\"] }\n",
            ),
            ("lab.yaml", "    requires: [greeting]\n", ""),
            (
                "lab.yaml",
                "          - fault: { kill: web }\n",
                "          - redis: { service: redis, command: [GET, seen] }\n            expect: { value: \"1\" }\n          - fault: { kill: web }\n",
            ),
        ],
        command: &["prove", "page", "--only", "minus"],
        says: &["✗ minus greeting", "after-crash: failed, expected passed"],
    },
    Broken {
        name: "two goals that count in the same place",
        edits: &[
            (
                "lab.yaml",
                "            message: the page does not say hello\n",
                "            message: the page does not say hello\n          - redis: { service: redis, command: [INCR, seen] }\n            expect: { value: 1 }\n",
            ),
            (
                "lab.yaml",
                "          - fault: { kill: web }\n",
                "          - redis: { service: redis, command: [INCR, seen] }\n            expect: { value: 1 }\n          - fault: { kill: web }\n",
            ),
        ],
        command: &["prove", "page", "--only", "solution"],
        says: &["✗ solution", "after-crash: failed, expected passed"],
    },
    Broken {
        name: "data that outlives a reset",
        edits: &[
            ("lab.yaml", "volumes: [\"${WORKSPACE}:/app\"]", "volumes: [\"${WORKSPACE}:/app\", \"${LAB}/kept:/kept\"]"),
            (
                "lab.yaml",
                "expect: { status: 200, body: { contains: hello } }",
                "expect: { status: 200, body: { contains: hello } }\n          - exec: { service: web, command: \"test ! -e /kept/seen && touch /kept/seen\" }",
            ),
            ("kept/.keep", "", "\n"),
        ],
        command: &["prove", "page", "--only", "solution", "--repeat", "2", "--jobs", "1"],
        says: &["greeting: failed, expected passed"],
    },
    Broken {
        name: "a near miss that passes",
        edits: &[(
            "near-misses.yaml",
            "replace: \"import http.serber\"",
            "replace: \"import http.server  # the same\"",
        )],
        command: &["prove", "page", "--only", "near miss"],
        says: &["✗ near miss crashes", "greeting: passed, expected failed"],
    },
    Broken {
        name: "words that never show",
        edits: &[("near-misses.yaml", "the page does not say hello", "the page is silent")],
        command: &["prove", "page", "--only", "near miss"],
        says: &["but not with the words \"the page is silent\""],
    },
    Broken {
        name: "a near miss that fails more than it names",
        edits: &[("near-misses.yaml", "fails: { after-crash: \"\" }", "fails: { greeting: \"\" }")],
        command: &["prove", "page", "--only", "near miss"],
        says: &["✗ near miss crashes when it comes back"],
    },
    Broken {
        name: "a right solution that the check does not know",
        edits: &[
            ("lab.yaml", "expect: { status: 200, body: { contains: hello } }", "expect: { body: hello }"),
            (
                "also-right.yaml",
                "",
                "- name: politer\n  about: more than one word\n  edits: [{ file: serve.py, find: '\"hello\"', replace: '\"hello, you\"' }]\n",
            ),
        ],
        command: &["prove", "page", "--only", "also right"],
        says: &["✗ also right politer", "greeting: failed, expected passed"],
    },
    Broken {
        name: "a requirement that is not told",
        edits: &[
            ("lab.yaml", "    requires: [greeting]\n", ""),
            (
                "lab.yaml",
                "          - fault: { kill: web }\n",
                "          - http: { url: \"http://web:8000/\" }\n            expect: { body: { contains: hello } }\n          - fault: { kill: web }\n",
            ),
        ],
        command: &["prove", "page", "--only", "minus"],
        says: &["✗ minus greeting", "after-crash: failed, expected passed"],
    },
    Broken {
        name: "a verdict by chance",
        edits: &[
            (
                "solution/serve.py",
                "        self.wfile.write(WORD.encode())",
                "        import random\n        self.wfile.write(random.choice([WORD, \"?\"]).encode())",
            ),
            (
                "starter/serve.py",
                "        self.wfile.write(WORD.encode())",
                "        import random\n        self.wfile.write(random.choice([WORD, \"?\"]).encode())",
            ),
            ("lab.yaml", "            within: 1s\n", ""),
            ("near-misses.yaml", "", "[]\n"),
            ("lab.yaml", "    requires: [greeting]\n", ""),
        ],
        command: &["prove", "page", "--only", "solution", "--repeat", "12"],
        says: &["✗ solution", "greeting: failed, expected passed"],
    },
    Broken {
        name: "a cleanup that fails",
        // What comes back after the crash is not what was there before.
        edits: &[(
            "lab.yaml",
            "          - fault: { kill: web }\n",
            "          - exec: { service: web, command: \"rm -r /app\" }\n            expect: { code: { gte: 0 } }\n          - fault: { kill: web }\n",
        )],
        command: &["prove", "page", "--only", "solution"],
        says: &["✗ solution"],
    },
    Broken {
        name: "a service that never begins",
        edits: &[(
            "lab.yaml",
            "  redis:\n    image: \"redis:8\"\n",
            "  redis:\n    image: \"redis:8\"\n    command: [redis-server, --no-such-option]\n",
        )],
        command: &["prove", "page", "--only", "solution"],
        says: &[
            "greeting: undecided, expected a decision",
            "`redis` belongs to the lab, was made anew, and is not ready",
        ],
    },
    Broken {
        name: "a check that proves nothing",
        edits: &[(
            "lab.yaml",
            "      - name: it says hello\n",
            "      - name: redis is there\n        steps:\n          - redis: { service: redis, command: [PING] }\n      - name: it says hello\n",
        )],
        command: PROVE,
        says: &["0 wrong", "nothing made this check fail", "redis is there"],
    },
    Broken {
        name: "a time bomb",
        edits: &[(
            "lab.yaml",
            "expect: { status: 200, body: { contains: hello } }",
            "expect: { status: 200, headers.date: { contains: \"2026\" }, body: { contains: hello } }",
        )],
        command: LINT,
        says: &["names the year 2026"],
    },
    Broken {
        name: "a hint with a command that does not exist",
        edits: &[(
            "lab.yaml",
            "    hints: [a, b, c]\n    checks:\n      - name: it says hello",
            "    hints: [a, b, \"`labrunner log web` shows it\"]\n    checks:\n      - name: it says hello",
        )],
        command: LINT,
        says: &["`labrunner log`", "did you mean `labrunner logs`"],
    },
    Broken {
        name: "an edit of what is not there",
        edits: &[(
            "near-misses.yaml",
            "find: \"import http.server\", replace: \"import http.serber\"",
            "find: \"import flask\", replace: \"\"",
        )],
        command: LINT,
        says: &["the near miss `crashes`", "finds `import flask` 0 times"],
    },
    Broken {
        name: "a mistake that changes nothing",
        edits: &[(
            "near-misses.yaml",
            "find: \"import http.server\", replace: \"import http.serber\"",
            "find: \"import http.server\", replace: \"import http.server\"",
        )],
        command: LINT,
        says: &["the near miss `crashes` is the solution itself"],
    },
    Broken {
        name: "a goal that nothing can fail",
        edits: &[("near-misses.yaml", "", "[]\n")],
        command: LINT,
        says: &["no line of the solution belongs to `after-crash`"],
    },
    Broken {
        name: "an image that changes under the lab",
        edits: &[("lab.yaml", "redis:8", "redis:latest")],
        command: LINT,
        says: &["is not pinned to a version"],
    },
];

fn broken(env: &LabEnv, case: &Broken) -> Said {
    let labs = env.own_labs(&["month-01-page"]);
    for (file, find, replace) in case.edits {
        let path = labs.join("month-01-page").join(file);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        let text = match *find {
            "" => (*replace).to_owned(),
            find => {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(text.contains(find), "{}: `{find}` is not in {file}", case.name);
                text.replacen(find, replace, 1)
            }
        };
        std::fs::write(path, text).unwrap();
    }
    let arguments: Vec<&str> = std::iter::once("lab").chain(case.command.iter().copied()).collect();
    crate::support::said(env.command(&arguments).env("LABRUNNER_LABS", &labs).output().unwrap())
}

#[test]
fn every_broken_lab_is_caught() {
    assert!(CATALOGUE.len() >= 15);
    let mut missed = Vec::new();
    for case in CATALOGUE {
        let said = broken(&LabEnv::new("broken"), case);
        let all = format!("{}\n{}", said.out, said.err);
        let caught = case.says.iter().all(|words| all.contains(words));
        if !caught {
            missed.push(format!("{} (exit {}):\n{all}", case.name, said.code));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n----\n"));
}
