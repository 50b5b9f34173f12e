//! Pulling from a registry of our own on loopback: progress, credentials, a registry that says no or is away.

use std::path::Path;

use crate::support::{LabEnv, Said, docker, recipe, speaks_http};

/// Written in base64, the password has letters that differ between its two alphabets.
const PASSWORD: &str = "what~ever?>>>~~";
/// `learner:` and the password, as `htpasswd -nbB` writes it.
const USERS: &str = "learner:$2y$05$BFDGy6102vOquU3g1umeiueHK2jJvGh67qh5jBQ0UaA5lA/.WeSNm\n";

/// A registry that lets one user in; gone when the test ends.
struct Registry {
    name: String,
    port: String,
}

impl Registry {
    fn start(folder: &Path) -> Self {
        let name = format!("labrunner-test-registry-{}", std::process::id());
        std::fs::write(folder.join("users"), USERS).unwrap();
        let mount = format!("{}:/users:ro", folder.join("users").display());
        let started = docker(&[
            "run",
            "-d",
            "--name",
            &name,
            "-p",
            "127.0.0.1::5000",
            "-v",
            &mount,
            "-e",
            "REGISTRY_AUTH=htpasswd",
            "-e",
            "REGISTRY_AUTH_HTPASSWD_REALM=test",
            "-e",
            "REGISTRY_AUTH_HTPASSWD_PATH=/users",
            "labrunner.local/registry:2",
        ]);
        assert_eq!(started.code, 0, "{started:?}");
        let port = docker(&["port", &name, "5000"]).out;
        let port = port.trim().rsplit(':').next().unwrap().to_owned();
        let registry = Self { name, port };
        while !speaks_http(&registry.port) {
            assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", &registry.name]).out.trim(), "true");
        }
        registry
    }

    fn image(&self, path: &str) -> String {
        format!("127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        docker(&["rm", "-fv", &self.name]);
    }
}

/// A lab whose only service has this image.
fn lab(folder: &Path, image: &str) {
    let lab = folder.join("labs/month-01-pulled");
    std::fs::create_dir_all(lab.join("tasks")).unwrap();
    std::fs::create_dir_all(lab.join("starter")).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/labs/month-02-needs/lab.yaml");
    let text = std::fs::read_to_string(page).unwrap();
    let text = text.replace("redis:8", image).replace("id: needs", "id: pulled").replace("asks-for-more", "pulled");
    let text = text
        .replace(", cap_add: [NET_ADMIN]", "")
        .replace("needs: [capabilities]\n", "")
        .replace("month: 2", "month: 1");
    let text = text.replace("redis: { command: [PING] }", "redis: { service: redis, command: [PING] }");
    std::fs::write(lab.join("lab.yaml"), text).unwrap();
    std::fs::write(lab.join("tasks/note.md"), "A note.\n").unwrap();
    std::fs::write(lab.join("README.md"), "# Pulled\n").unwrap();
}

/// Runs labrunner with that lab and a client configuration of the test's own.
fn run(env: &LabEnv, arguments: &[&str]) -> Said {
    let mut command = env.command(arguments);
    command.env("LABRUNNER_LABS", env.folder().join("labs")).env("DOCKER_CONFIG", env.folder());
    crate::support::said(command.output().unwrap())
}

#[test]
fn a_lab_is_pulled_with_the_learners_credentials() {
    let env = LabEnv::of("pulled", "pull");
    recipe(&env, "redis:8");
    recipe(&env, "registry:2");
    let registry = Registry::start(env.folder());
    let image = registry.image("team/redis:8");
    assert_eq!(docker(&["tag", "labrunner.local/redis:8", &image]).code, 0);
    let config = env.folder().display().to_string();
    let host = registry.image("");
    let host = host.trim_end_matches('/');
    let login = docker(&["--config", &config, "login", "-u", "learner", "-p", PASSWORD, host]);
    assert_eq!(login.code, 0, "{login:?}");
    let pushed = docker(&["--config", &config, "push", &image]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    docker(&["rmi", &image]);
    lab(env.folder(), &image);

    let pulled = run(&env, &["images", "pull", "pulled", "--images", "registry"]);
    assert_eq!(pulled.code, 0, "{pulled:?}");
    assert!(pulled.err.contains(&format!("pulling {image}")), "{}", pulled.err);
    let started = run(&env, &["start", "pulled"]);
    assert_eq!(started.code, 0, "{started:?}");
    assert_eq!(run(&env, &["down", "pulled"]).code, 0);

    // Without credentials the registry says no: a clear word, and nothing is built instead.
    docker(&["rmi", &image]);
    std::fs::remove_file(env.folder().join("config.json")).unwrap();
    let refused = run(&env, &["start", "pulled"]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("docker login"), "{}", refused.err);

    // A registry that is away is another thing than one that says no.
    drop(registry);
    let away = run(&env, &["start", "pulled"]);
    assert_ne!(away.code, 0);
    assert!(away.err.contains("no registry can be reached"), "{}", away.err);
    assert!(away.err.contains("no recipe"), "{}", away.err);
}
