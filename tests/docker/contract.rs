//! What each image offers, whatever it was made from: the documented interface of the official image.

use crate::support::{LabEnv, Said, docker, recipe, speaks_http};

/// The official image if it is on the engine, else ours.
fn image(official: &str, ours: &str) -> String {
    if docker(&["image", "inspect", official]).code == 0 {
        return official.to_owned();
    }
    recipe(&LabEnv::new("contract"), official);
    format!("labrunner.local/{ours}")
}

/// Runs a container to its end.
fn run(arguments: &[&str]) -> Said {
    docker(&[&["run", "--rm"], arguments].concat())
}

#[track_caller]
fn prints(arguments: &[&str], words: &str) {
    let said = run(arguments);
    assert_eq!((said.code, said.out.trim()), (0, words), "{arguments:?}: {}", said.err);
}

/// A container that is gone when the test ends.
struct Running(String);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let said = docker(&[&["run", "-d"], arguments].concat());
        assert_eq!(said.code, 0, "{said:?}");
        Self(said.out.trim().to_owned())
    }

    /// Asks until it answers like this.
    fn comes_to_say(&self, command: &[&str], words: &str) {
        let began = std::time::Instant::now();
        loop {
            let said = docker(&[&["exec", &self.0], command].concat());
            if said.code == 0 && said.out.contains(words) {
                return;
            }
            assert!(began.elapsed().as_secs() < 30, "{command:?} never said `{words}`: {said:?}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        docker(&["rm", "-fv", &self.0]);
    }
}

/// One fact of an image's configuration.
fn fact(image: &str, format: &str) -> String {
    docker(&["image", "inspect", "-f", format, image]).out.trim().to_owned()
}

#[test]
fn python() {
    let python = image("python:3.13-slim", "python:3.13-slim");
    prints(&[&python, "python", "-c", "import sys; print(*sys.version_info[:2])"], "3 13");
    prints(&[&python, "python3", "-c", "import ssl, sqlite3, zlib, lzma, bz2, ctypes; print('all')"], "all");
    prints(&[&python, "python", "-c", "import locale; print(locale.getpreferredencoding())"], "UTF-8");
    // `pip` installs into what `python` runs, for root and without a word about managed environments.
    let installed = run(&[&python, "sh", "-c", "pip install -q six && python -c 'import six; print(six.__name__)'"]);
    assert_eq!((installed.code, installed.out.trim()), (0, "six"), "{installed:?}");
    assert!(!installed.err.contains("externally-managed"), "{}", installed.err);
    assert_eq!(fact(&python, "{{json .Config.Cmd}}"), "[\"python3\"]");
    assert_eq!(fact(&python, "{{json .Config.Entrypoint}}"), "null");
    assert_eq!(fact(&python, "{{.Config.User}}"), "");
}

#[test]
fn kafka() {
    let kafka = image("apache/kafka:4.1.0", "kafka:4");
    assert_eq!(fact(&kafka, "{{json .Config.ExposedPorts}}"), "{\"9092/tcp\":{}}");
    assert_eq!(fact(&kafka, "{{.Config.User}}"), "appuser");
    assert!(fact(&kafka, "{{json .Config.Volumes}}").contains("/var/lib/kafka/data"));
    prints(&[&kafka, "sh", "-c", "echo any command"], "any command");
    prints(&[&kafka, "id", "-un"], "appuser");
    let advertised = "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://broker:19092";
    let listened = "KAFKA_LISTENERS=PLAINTEXT://:19092,CONTROLLER://:9093";
    let roles =
        ["KAFKA_NODE_ID=1", "KAFKA_PROCESS_ROLES=broker,controller", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER"];
    let map = "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT";
    let voters = "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093";
    let mut arguments: Vec<&str> = Vec::new();
    for pair in [advertised, listened, map, voters].into_iter().chain(roles) {
        arguments.extend(["-e", pair]);
    }
    arguments.push(&kafka);
    let server = Running::start(&arguments);
    // Port 19092 is 4A94 in the kernel's table; 0A is a socket that listens.
    server.comes_to_say(
        &["sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 | grep ':4A94 .* 0A' && echo listening"],
        "listening",
    );
}

#[test]
fn redis() {
    let redis = image("redis:8", "redis:8");
    assert_eq!(fact(&redis, "{{json .Config.ExposedPorts}}"), "{\"6379/tcp\":{}}");
    assert_eq!(fact(&redis, "{{json .Config.Volumes}}"), "{\"/data\":{}}");
    assert_eq!(fact(&redis, "{{.Config.WorkingDir}}"), "/data");
    prints(&[&redis, "sh", "-c", "echo any command"], "any command");
    // The server runs as `redis`, lets other hosts in, and keeps its data in /data.
    let plain = Running::start(&[&redis]);
    plain.comes_to_say(&["redis-cli", "PING"], "PONG");
    plain.comes_to_say(&["redis-cli", "CONFIG", "GET", "protected-mode"], "no");
    plain.comes_to_say(&["redis-cli", "CONFIG", "GET", "dir"], "/data");
    plain.comes_to_say(&["sh", "-c", "stat -c %U /proc/1/"], "redis");
    plain.comes_to_say(&["redis-cli", "INFO", "server"], "redis_version:8.");
    // Options after the image's name belong to the server.
    let options = Running::start(&[&redis, "--appendonly", "yes", "--requirepass", "s3cret"]);
    options.comes_to_say(&["redis-cli", "--no-auth-warning", "-a", "s3cret", "CONFIG", "GET", "appendonly"], "yes");
    // So does a file of settings.
    let script = "echo 'maxmemory 7mb' > /tmp/my.conf && exec docker-entrypoint.sh redis-server /tmp/my.conf";
    let file = Running::start(&["--entrypoint", "sh", &redis, "-c", script]);
    file.comes_to_say(&["redis-cli", "CONFIG", "GET", "maxmemory"], "7340032");
}

#[test]
fn sendria() {
    let sendria = image("msztolcman/sendria:v2.2.2.0", "sendria:v2.2.2.0");
    let catcher = Running::start(&[&sendria]);
    let send = "import smtplib; from email.message import EmailMessage as E; m = E(); m['From'] = 'a@x'; m['To'] = 'b@x'; \
                m['Subject'] = 'Hi'; m.set_content('text'); smtplib.SMTP('127.0.0.1', 1025).send_message(m); print('sent')";
    catcher.comes_to_say(&["python3", "-c", send], "sent");
    let read =
        "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:1080/api/messages/').read().decode())";
    catcher.comes_to_say(&["python3", "-c", read], "\"subject\": \"Hi\"");
    let clear = "import urllib.request as u; print(u.urlopen(u.Request('http://127.0.0.1:1080/api/messages/', method='DELETE')).status)";
    catcher.comes_to_say(&["python3", "-c", clear], "20");
    catcher.comes_to_say(&["python3", "-c", read], "\"data\": []");
}

#[test]
fn registry() {
    let registry = image("registry:2", "registry:2");
    assert_eq!(fact(&registry, "{{json .Config.ExposedPorts}}"), "{\"5000/tcp\":{}}");
    assert_eq!(fact(&registry, "{{json .Config.Volumes}}"), "{\"/var/lib/registry\":{}}");
    let server = Running::start(&["-p", "127.0.0.1::5000", &registry]);
    let port = docker(&["port", &server.0, "5000"]).out;
    let port = port.trim().rsplit(':').next().unwrap().to_owned();
    let name = format!("127.0.0.1:{port}/contract/empty:1");
    let began = std::time::Instant::now();
    while !speaks_http(&port) {
        assert!(began.elapsed().as_secs() < 30, "the registry never answered");
    }
    // What was pushed can be pulled, and what was not is not found.
    let missing = docker(&["pull", &name]);
    assert_ne!(missing.code, 0, "{missing:?}");
    let pushed = docker(&["tag", &registry, &name]).code == 0 && docker(&["push", &name]).code == 0;
    docker(&["rmi", &name]);
    assert!(pushed && docker(&["pull", &name]).code == 0, "what was pushed comes back");
    docker(&["rmi", &name]);
    assert!(missing.err.contains("not found") || missing.err.contains("manifest unknown"), "{}", missing.err);
}

#[test]
fn rabbitmq() {
    let rabbitmq = image("rabbitmq:4-management", "rabbitmq:4-management");
    assert_eq!(fact(&rabbitmq, "{{json .Config.Volumes}}"), "{\"/var/lib/rabbitmq\":{}}");
    for port in ["5672/tcp", "15672/tcp"] {
        assert!(fact(&rabbitmq, "{{json .Config.ExposedPorts}}").contains(port));
    }
    let server = Running::start(&[
        "-e",
        "RABBITMQ_DEFAULT_USER=shop",
        "-e",
        "RABBITMQ_DEFAULT_PASS=s3cret",
        "-e",
        "RABBITMQ_DEFAULT_VHOST=orders",
        &rabbitmq,
    ]);
    server.comes_to_say(&["rabbitmqctl", "await_startup"], "");
    server.comes_to_say(&["rabbitmqctl", "list_users"], "shop\t[administrator]");
    server.comes_to_say(&["rabbitmqctl", "list_vhosts"], "orders");
    server.comes_to_say(&["rabbitmqctl", "authenticate_user", "shop", "s3cret"], "Success");
    server.comes_to_say(&["rabbitmq-plugins", "list", "-e", "-m"], "rabbitmq_management");
    server.comes_to_say(&["sh", "-c", "stat -c %U /proc/1/"], "rabbitmq");
    server.comes_to_say(&["rabbitmqctl", "version"], "4.");
    // Asked to end, it puts everything on disk first; a server that is killed has no code but 137 or 143.
    assert_eq!(docker(&["stop", "-t", "30", &server.0]).code, 0);
    assert_eq!(docker(&["inspect", "-f", "{{.State.ExitCode}}", &server.0]).out.trim(), "0");
}

#[test]
fn postgres() {
    let postgres = image("postgres:17", "postgres:17");
    assert_eq!(fact(&postgres, "{{json .Config.ExposedPorts}}"), "{\"5432/tcp\":{}}");
    assert_eq!(fact(&postgres, "{{json .Config.Volumes}}"), "{\"/var/lib/postgresql/data\":{}}");
    assert_eq!(fact(&postgres, "{{.Config.StopSignal}}"), "SIGINT");
    let refused = run(&[&postgres]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("POSTGRES_PASSWORD"), "{}", refused.err);
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(folder.path().join("1.sql"), "CREATE TABLE made (by text); INSERT INTO made VALUES ('script');")
        .unwrap();
    let mount = format!("{}:/docker-entrypoint-initdb.d:ro", folder.path().display());
    let server = Running::start(&[
        "-v",
        &mount,
        "-e",
        "POSTGRES_USER=shop",
        "-e",
        "POSTGRES_PASSWORD=s3cret",
        "-e",
        "POSTGRES_DB=orders",
        &postgres,
        "-c",
        "max_connections=42",
    ]);
    // Over TCP: the server that runs the scripts only answers on its socket.
    let psql = |query: &'static str| ["psql", "-h", "127.0.0.1", "-U", "shop", "-d", "orders", "-tAc", query];
    let asked = |query: &'static str, words: &str| {
        let command: Vec<&str> = ["env", "PGPASSWORD=s3cret"].into_iter().chain(psql(query)).collect();
        server.comes_to_say(&command, words);
    };
    asked("SELECT by FROM made", "script");
    asked("SHOW max_connections", "42");
    asked("SHOW server_version", "17");
    server.comes_to_say(&["sh", "-c", "stat -c %U /proc/1/"], "postgres");
    // On its own address; loopback is trusted, as in the official image.
    let wrong = "PGPASSWORD=wrong psql -h $(hostname -i) -U shop orders -c 'SELECT 1'";
    let wrong = docker(&["exec", &server.0, "sh", "-c", wrong]);
    assert!(wrong.err.contains("password authentication failed"), "{wrong:?}");
}

#[test]
fn nginx() {
    let nginx = image("nginx:1.26", "nginx:1");
    assert_eq!(fact(&nginx, "{{json .Config.ExposedPorts}}"), "{\"80/tcp\":{}}");
    assert_eq!(fact(&nginx, "{{.Config.StopSignal}}"), "SIGQUIT");
    prints(&[&nginx, "id", "-u", "nginx"], "101");
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let server = "server { listen 81; location / { return 200 '${WORD} on $host'; } }";
    std::fs::write(folder.path().join("word.conf.template"), server).unwrap();
    let mount = format!("{}:/etc/nginx/templates:ro", folder.path().display());
    let server = Running::start(&["-v", &mount, "-e", "WORD=templated", &nginx]);
    let get = |port: &str| {
        ["bash", "-c"]
            .map(String::from)
            .into_iter()
            .chain([format!(
                "exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET / HTTP/1.0\\r\\nHost: me\\r\\n\\r\\n' >&3; cat <&3"
            )])
            .collect::<Vec<_>>()
    };
    let words = |port: &str, words: &str| {
        let command = get(port);
        server.comes_to_say(&command.iter().map(String::as_str).collect::<Vec<_>>(), words);
    };
    words("80", "nginx");
    words("81", "templated on me");
    assert_eq!(docker(&["stop", "-t", "10", &server.0]).code, 0);
    assert_eq!(docker(&["inspect", "-f", "{{.State.ExitCode}}", &server.0]).out.trim(), "0");
}
