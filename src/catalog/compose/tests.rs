//! Each key in its short and long forms, and each outcome.

use std::path::PathBuf;

use super::keys::{self, Outcome};
use super::{Author, Context, read};
use crate::catalog::diagnostic::{Findings, Severity};
use crate::catalog::parse;
use crate::lab::definition::Need;
use crate::lab::stack::{Service, Stack};

fn lookup(name: &str) -> Option<serde_json::Value> {
    match name {
        "HOME" => Some("/home/me".into()),
        "WORKSPACE" => Some("/work".into()),
        "FROM_OUTSIDE" => Some("yes".into()),
        "settings.copies" => Some(3.into()),
        _ => None,
    }
}

fn stack(yaml: &str, author: Author, needs: &[Need]) -> (Stack, Vec<(Severity, String)>) {
    let mut findings = Findings::new("compose.yaml");
    let root = parse::parse(yaml, &mut findings).unwrap();
    let context = Context {
        author,
        folder: PathBuf::from("/lab"),
        workspace: PathBuf::from("/work"),
        lookup: &lookup,
        needs,
        profiles: &["on".to_owned()],
    };
    let stack = read(&root, &context, &mut findings);
    (stack, findings.list.into_iter().map(|one| (one.severity, one.message)).collect())
}

/// The service of a learner's file with one key, and what was said.
fn service(key: &str) -> (Service, Vec<(Severity, String)>) {
    let image = if key.starts_with("image") || key.starts_with("build") { "" } else { "    image: x:1\n" };
    let body: String = key.lines().map(|line| format!("    {line}\n")).collect();
    let yaml = format!(
        "services:\n  s:\n{image}{body}  other:\n    image: y:1\n    environment: {{ A: base, B: base }}\n\
         volumes: {{ v: {{}} }}\nnetworks: {{ back: {{}} }}\nsecrets: {{ key: {{ content: k }} }}\nconfigs: {{ conf: {{ content: c }} }}\n"
    );
    let (stack, said) = stack(&yaml, Author::Learner, &Need::ALL);
    (stack.services.get("s").cloned().unwrap_or_default(), said)
}

/// A key of a service, and what the service has to show of it (part of its debug form).
const CASES: &[(&str, &str)] = &[
    ("image: a/b:2", "image: Some(\"a/b:2\")"),
    ("build: ./app", "context: \"/lab/app\""),
    ("build: { context: ., dockerfile: D, args: [A=1], target: t }", "dockerfile: Some(\"D\")"),
    ("build: { context: ., args: { A: 1 } }", "args: {\"A\": \"1\"}"),
    ("build: { dockerfile_inline: \"FROM x\" }", "dockerfile_inline: Some(\"FROM x\")"),
    ("command: run \"two words\"", "command: Some([\"run\", \"two words\"])"),
    ("command: [run, it]", "command: Some([\"run\", \"it\"])"),
    ("command: []", "command: Some([])"),
    ("command: null", "command: None"),
    ("entrypoint: /go", "entrypoint: Some([\"/go\"])"),
    ("environment: { A: 1, B: true, FROM_OUTSIDE: }", "{\"A\": \"1\", \"B\": \"true\", \"FROM_OUTSIDE\": \"yes\"}"),
    ("environment: [A=1, B=x=y, FROM_OUTSIDE, GONE]", "{\"A\": \"1\", \"B\": \"x=y\", \"FROM_OUTSIDE\": \"yes\"}"),
    ("env_file: [{ path: none.env, required: false }]", "environment: {}"),
    ("ports: [\"8000\"]", "target: 8000, published: None"),
    ("ports: [8000]", "target: 8000, published: None"),
    ("ports: [\"8001:80\"]", "target: 80, published: Some(8001)"),
    ("ports: [\"127.0.0.1:8001:80/udp\"]", "host_ip: Some(\"127.0.0.1\"), protocol: Udp"),
    ("ports: [\"[::1]:8001:80\"]", "host_ip: Some(\"::1\")"),
    ("ports: [\"9000-9001:90-91\"]", "target: 91, published: Some(9001)"),
    ("ports: [\"22:22\"]", "target: 22, published: Some(22)"),
    ("ports: [{ target: 80, published: \"8080\", protocol: tcp }]", "target: 80, published: Some(8080)"),
    ("expose: [\"3000\", 4000]", "expose: [3000, 4000]"),
    ("volumes: [\"v:/data\"]", "source: Volume { name: \"v\""),
    ("volumes: [\"./a:/data:ro\"]", "read_only: true, source: Bind { path: \"/lab/a\""),
    ("volumes: [\"~/a:/data\"]", "path: \"/home/me/a\""),
    ("volumes: [/data]", "source: Anonymous"),
    ("volumes: [{ type: volume, source: v, target: /d, volume: { nocopy: true } }]", "nocopy: true"),
    ("volumes: [{ type: bind, source: /x, target: /d, bind: { create_host_path: false } }]", "create: false"),
    ("volumes: [{ type: tmpfs, target: /d, tmpfs: { size: 64m, mode: 0o1777 } }]", "Tmpfs { size: Some(67108864)"),
    ("tmpfs: /run", "target: \"/run\", read_only: false, source: Tmpfs"),
    ("tmpfs: [\"/run:size=1m,mode=1777\"]", "Tmpfs { size: Some(1048576), mode: Some(1023) }"),
    ("networks: [back]", "networks: {\"back\": Attachment"),
    (
        "networks: { back: { aliases: [db], ipv4_address: 10.0.0.9 } }",
        "aliases: [\"db\"], ipv4_address: Some(\"10.0.0.9\")",
    ),
    ("network_mode: none", "network_mode: Some(\"none\")"),
    ("depends_on: [other]", "condition: Started, restart: false, required: true"),
    ("depends_on: { other: { condition: service_healthy, restart: true } }", "condition: Healthy, restart: true"),
    (
        "depends_on: { other: { condition: service_completed_successfully, required: false } }",
        "CompletedSuccessfully, restart: false, required: false",
    ),
    (
        "healthcheck: { test: curl x, interval: 1m30s, retries: 3, start_period: 500ms }",
        "test: [\"CMD-SHELL\", \"curl x\"], interval: Some(90s)",
    ),
    ("healthcheck: { test: [CMD, x] }", "test: [\"CMD\", \"x\"]"),
    ("healthcheck: { disable: true }", "test: [\"NONE\"]"),
    ("restart: no", "restart: No"),
    ("restart: on-failure:3", "restart: OnFailure(3)"),
    ("restart: unless-stopped", "restart: UnlessStopped"),
    ("user: \"1000:1000\"", "user: Some(\"1000:1000\")"),
    ("group_add: [mail, 50]", "group_add: [\"mail\", \"50\"]"),
    ("working_dir: /app", "working_dir: Some(\"/app\")"),
    ("hostname: h", "hostname: Some(\"h\")"),
    ("domainname: d", "domainname: Some(\"d\")"),
    ("init: true", "init: Some(true)"),
    ("tty: true", "tty: true"),
    ("stdin_open: true", "stdin_open: true"),
    ("cap_add: [NET_ADMIN]", "cap_add: [\"NET_ADMIN\"]"),
    ("cap_drop: [ALL]", "cap_drop: [\"ALL\"]"),
    ("security_opt: [\"seccomp:unconfined\"]", "security_opt: [\"seccomp:unconfined\"]"),
    ("sysctls: { net.core.somaxconn: 1024 }", "sysctls: {\"net.core.somaxconn\": \"1024\"}"),
    ("sysctls: [\"a=b\"]", "sysctls: {\"a\": \"b\"}"),
    ("ulimits: { nproc: 65535 }", "soft: 65535, hard: 65535"),
    ("ulimits: { nofile: { soft: 1, hard: 2 } }", "soft: 1, hard: 2"),
    ("shm_size: 64m", "shm_size: Some(67108864)"),
    ("read_only: true", "read_only: true"),
    ("privileged: true", "privileged: true"),
    ("devices: [/dev/null]", "devices: [\"/dev/null\"]"),
    ("pid: host", "pid: Some(\"host\")"),
    ("ipc: private", "ipc: Some(\"private\")"),
    ("stop_signal: SIGINT", "stop_signal: Some(\"SIGINT\")"),
    ("stop_grace_period: 1m", "stop_grace_period: Some(60s)"),
    ("extra_hosts: [\"a=1.2.3.4\", \"b:::1\"]", "extra_hosts: [(\"a\", \"1.2.3.4\"), (\"b\", \"::1\")]"),
    ("extra_hosts: { a: 1.2.3.4 }", "extra_hosts: [(\"a\", \"1.2.3.4\")]"),
    ("dns: 1.1.1.1", "dns: [\"1.1.1.1\"]"),
    ("labels: [a=b]", "labels: {\"a\": \"b\"}"),
    ("labels: { a: b }", "labels: {\"a\": \"b\"}"),
    ("profiles: [on, off]", "profiles: [\"off\"]"),
    ("scale: 2", "scale: 2"),
    ("scale: \"${settings.copies}\"", "scale: 3"),
    ("deploy: { replicas: 4 }", "scale: 4"),
    (
        "deploy: { resources: { limits: { memory: 1g, cpus: \"0.5\", pids: 9 } } }",
        "memory: Some(1073741824), memory_reservation: None, cpus: Some(0.5), pids: Some(9)",
    ),
    ("mem_limit: 512m", "memory: Some(536870912)"),
    ("mem_reservation: 1k", "memory_reservation: Some(1024)"),
    ("cpus: 1.5", "cpus: Some(1.5)"),
    ("pids_limit: 7", "pids: Some(7)"),
    (
        "logging: { driver: local, options: { max-size: 1m } }",
        "driver: Some(\"local\"), options: {\"max-size\": \"1m\"}",
    ),
    ("platform: linux/arm64", "platform: Some(\"linux/arm64\")"),
    ("secrets: [key]", "target: \"/run/secrets/key\", content: [107], uid: 0, gid: 0, mode: 292, secret: true"),
    (
        "secrets: [{ source: key, target: /k, uid: \"5\", mode: 0400 }]",
        "target: \"/k\", content: [107], uid: 5, gid: 0, mode: 256",
    ),
    ("configs: [conf]", "target: \"/conf\", content: [99]"),
    ("extends: other\nenvironment: { B: own }", "environment: {\"A\": \"base\", \"B\": \"own\"}"),
    ("extends: { service: other }\nenvironment: [B=own]", "environment: {\"A\": \"base\", \"B\": \"own\"}"),
    ("x-anything: { a: [1] }", "image: Some(\"x:1\")"),
];

#[test]
fn every_form_of_every_key_is_read() {
    for (key, wanted) in CASES {
        let (service, said) = service(key);
        let shown = format!("{service:?}");
        let errors: Vec<_> = said.iter().filter(|(severity, _)| *severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{key}: {errors:?}");
        assert!(shown.contains(wanted), "{key}\nwanted {wanted}\nfound  {shown}");
    }
}

#[test]
fn every_key_of_the_specification_has_its_outcome() {
    for (key, outcome) in keys::SERVICE {
        match outcome {
            Outcome::Honoured => {
                let tried = CASES.iter().any(|(case, _)| case.lines().any(|line| line.starts_with(&format!("{key}:"))));
                assert!(tried, "`{key}` is honoured and no case shows it");
            }
            Outcome::Warned(why) => {
                let (_, said) = service(&format!("{key}: x"));
                assert_eq!(said, [(Severity::Warning, format!("`{key}` has no effect here: {why}"))]);
            }
            Outcome::Refused(_) => {
                let (_, said) = service(&format!("{key}: x"));
                assert_eq!(said, [(Severity::Error, format!("`{key}` is not accepted"))]);
            }
        }
    }
}

#[test]
fn wrong_values_are_said_in_words() {
    let cases = [
        (
            "ports: [\"80000\"]",
            "a port has to be like \"8000\", \"8000:80\" or \"127.0.0.1:8000:80/tcp\"; here is the text \"80000\"",
        ),
        (
            "ports: [\"1-3:5-6\"]",
            "a port has to be like \"8000\", \"8000:80\" or \"127.0.0.1:8000:80/tcp\"; here is the text \"1-3:5-6\"",
        ),
        (
            "stop_grace_period: 10",
            "`stop_grace_period` has to be a duration such as `10s`, `500ms` or `1m30s`; here is the number 10",
        ),
        ("mem_limit: lots", "`mem_limit` has to be a size such as `512m` or `1gb`; here is the text \"lots\""),
        ("command: \"a 'b\"", "`command` cannot be split into words: a quote is not closed"),
        (
            "restart: sometimes",
            "`restart` has to be no, always, unless-stopped or on-failure[:n]; here is the text \"sometimes\"",
        ),
        (
            "depends_on: { other: { condition: happy } }",
            "there is no condition `happy`; there are service_started, service_healthy and service_completed_successfully",
        ),
        ("networks: [front]", "there is no network `front`"),
        ("volumes: [\"w:/d\"]", "there is no volume `w`"),
        ("secrets: [kee]", "`kee` is not declared under `secrets`"),
        ("extends: others", "`s` extends `others`, which is no service"),
        ("extends: s", "services extend each other in a circle: s → s"),
        ("init: maybe", "`init` has to be true or false; here is the text \"maybe\""),
        (
            "volumes: [\"v:data\"]",
            "a volume has to be like \"data:/data\", \"./folder:/data:ro\" or a map with `type`, `source` and `target`; here is the text \"v:data\"",
        ),
    ];
    for (key, message) in cases {
        let (_, said) = service(key);
        assert_eq!(said, [(Severity::Error, message.to_owned())], "{key}");
    }
}

#[test]
fn nobody_has_more_than_was_asked_for() {
    let cases = [
        ("privileged: true", Need::Privileged),
        ("cap_add: [SYS_ADMIN]", Need::Capabilities),
        ("network_mode: host", Need::HostNetwork),
        ("pid: host", Need::HostNamespaces),
        ("devices: [/dev/sda]", Need::Devices),
        ("volumes: [\"/etc:/etc\"]", Need::HostPaths),
        ("volumes: [\"/run/podman/podman.sock:/s\"]", Need::EngineSocket),
        ("security_opt: [\"apparmor:unconfined\"]", Need::SecurityOptions),
        ("ports: [\"0.0.0.0:80:80\"]", Need::HostNetwork),
    ];
    for (key, need) in cases {
        let yaml = format!("services:\n  s:\n    image: x:1\n    {key}\n");
        assert_eq!(stack(&yaml, Author::Lab, &[]).1.len(), 1, "{key}");
        assert_eq!(stack(&yaml, Author::Lab, &[need]).1, [], "{key}");
        // A learner's ports are unpublished before anything of theirs is started.
        let refused = usize::from(!key.starts_with("ports"));
        assert_eq!(stack(&yaml, Author::Learner, &[]).1.len(), refused, "{key}");
        assert_eq!(stack(&yaml, Author::Learner, &[need]).1, [], "{key}");
    }
    for key in ["env_file: /etc/passwd", "build: /etc"] {
        let yaml =
            format!("services:\n  s:\n    {}{key}\n", if key.starts_with("env") { "image: x:1\n    " } else { "" });
        for author in [Author::Lab, Author::Learner] {
            let said = stack(&yaml, author, &[]).1;
            assert!(said.iter().any(|(_, words)| words.contains("of this machine")), "{key}: {said:?}");
        }
    }
    let own =
        stack("services: { s: { image: x:1, volumes: [\"./f:/f\", \"${WORKSPACE}:/app\"] } }", Author::Lab, &[]).0;
    let service = &own.services["s"];
    assert!(service.mounts[0].read_only && !service.mounts[1].read_only && service.uses_workspace);
}
