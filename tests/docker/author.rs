//! The beginning of a lab: what `lab new` and `lab import` make is right as it is.

use std::path::PathBuf;

use crate::support::{LabEnv, Said, said};

/// An author's folder of labs.
fn author(env: &LabEnv, arguments: &[&str]) -> Said {
    said(env.command(arguments).env("LABRUNNER_LABS", labs(env)).output().unwrap())
}

fn labs(env: &LabEnv) -> PathBuf {
    env.folder().join("labs")
}

#[test]
fn a_new_lab_is_right_untouched() {
    let env = LabEnv::of("page", "author");
    for (id, template) in [("month-9", "empty"), ("first", "celery-redis")] {
        let made = author(&env, &["lab", "new", id, "--from", template]);
        assert_eq!(made.code, 0, "{made:?}");
        let linted = author(&env, &["lab", "lint", id]);
        assert_eq!((linted.code, linted.out.as_str()), (0, "1 labs read: 0 errors, 0 warnings\n"), "{linted:?}");
        let proven = author(&env, &["lab", "prove", id, "--write"]);
        assert_eq!(proven.code, 0, "{proven:?}");
        assert!(proven.out.contains("5 cells, 0 wrong"), "{proven:?}");
        let linted = author(&env, &["lab", "lint", id, "--proven"]);
        assert_eq!(linted.code, 0, "{linted:?}");
    }
    let again = author(&env, &["lab", "new", "first"]);
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("is there already"), "{again:?}");
    assert!(labs(&env).join("schema.json").is_file());
}

#[test]
fn later_rounds_judge_what_a_variant_is_about() {
    let env = LabEnv::of("page", "rounds");
    let proven =
        env.run(&["lab", "prove", "page", "--only", "near miss", "--repeat", "2", "--jobs", "1", "--format", "json"]);
    assert_eq!(proven.code, 0, "{proven:?}");
    let answer: serde_json::Value = serde_json::from_str(&proven.out).unwrap();
    let cells = answer["labs"][0]["cells"].as_array().unwrap();
    let judged = |name: &str, round: u64| {
        let cell = cells.iter().find(|cell| cell["variant"] == name && cell["round"] == round).unwrap();
        cell["verdicts"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(judged("near miss crashes", 1), "greeting after-crash");
    assert_eq!(judged("near miss crashes", 2), "greeting");
    // What a goal requires is judged with it.
    assert_eq!(judged("near miss crashes when it comes back", 2), "greeting after-crash");
}

/// Of the shape that most projects have: a web, a worker, a database, a broker.
const COMPOSE: &str = r#"name: shop
services:
  web:
    build: .
    command: python -m http.server 8000
    volumes: [".:/code"]
    working_dir: /code
    ports: ["8000"]
    env_file: settings.env
    depends_on: { db: { condition: service_healthy }, broker: { condition: service_started } }
  worker:
    build: { context: ./worker }
    command: sleep infinity
    depends_on: [broker]
  db:
    image: postgres:17
    environment: { POSTGRES_PASSWORD: secret }
    volumes: ["db:/var/lib/postgresql/data"]
    healthcheck: { test: [CMD, pg_isready, -U, postgres], interval: 1s }
  broker:
    image: redis:8
    ports: ["6379"]
volumes: { db: {} }
"#;

#[test]
fn an_imported_lab_starts_and_is_judged() {
    let env = LabEnv::of("shop", "import");
    let project = env.folder().join("shop");
    std::fs::create_dir_all(project.join("worker")).unwrap();
    for (path, text) in [
        ("compose.yaml", COMPOSE),
        ("settings.env", "GREETING=hello\n"),
        ("Dockerfile", "FROM python:3.13-slim\n"),
        ("worker/Dockerfile", "FROM python:3.13-slim\n"),
    ] {
        std::fs::write(project.join(path), text).unwrap();
    }
    let imported = author(&env, &["lab", "import", "shop/compose.yaml"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(imported.out.contains("`name` is left out"), "{imported:?}");
    assert!(imported.out.contains("take secrets out"), "{imported:?}");
    let started = author(&env, &["start", "shop", "--yes"]);
    assert_eq!(started.code, 0, "{started:?}");
    let judged = author(&env, &["verify", "shop", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let checks: Vec<_> = json["goals"][0]["checks"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(checks, ["passed", "passed"], "{judged:?}");
    assert_eq!(author(&env, &["down", "shop"]).code, 0);
    let unsafe_file = COMPOSE.replace("    command: sleep infinity\n", "    privileged: true\n");
    std::fs::write(project.join("compose.yaml"), unsafe_file).unwrap();
    let refused = author(&env, &["lab", "import", "shop/compose.yaml", "other"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("privileged"), "{refused:?}");
    assert!(!labs(&env).join("other").exists());
}
