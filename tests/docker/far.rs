//! A second engine, in a container: behind TCP, with files, networks and images of its own.

use std::process::{Command, Stdio};

use crate::support::{LabEnv, Said, docker, recipe};

/// An engine in a container; gone when the test ends.
pub struct FarEngine {
    name: String,
    pub host: String,
}

impl FarEngine {
    /// `name` tells it from those of other tests. It is alone on a network of its own, and so keeps its address.
    pub fn start(env: &LabEnv, name: &str) -> Self {
        recipe(env, "docker:26-dind");
        let name = format!("labrunner-test-{name}-{}", std::process::id());
        let network = docker(&["network", "create", &name]);
        assert_eq!(network.code, 0, "{network:?}");
        let mut arguments: Vec<String> = ["run", "-d", "--name", &name, "--network", &name].map(str::to_owned).into();
        // What an engine needs, by name: `--privileged` is refused on some machines.
        let capabilities = "SYS_ADMIN NET_ADMIN NET_RAW SYS_PTRACE SYS_CHROOT MKNOD SETUID SETGID SETFCAP SETPCAP \
                            DAC_OVERRIDE DAC_READ_SEARCH SYS_NICE IPC_LOCK AUDIT_WRITE";
        arguments.extend(capabilities.split_whitespace().map(|one| format!("--cap-add={one}")));
        let profiles = ["seccomp", "apparmor", "systempaths"];
        arguments.extend(profiles.map(|one| format!("--security-opt={one}=unconfined")));
        arguments.extend(
            ["-v", "/sys/fs/cgroup:/sys/fs/cgroup", "-e", "DOCKER_TLS_CERTDIR=", "labrunner.local/docker:26-dind"]
                .map(str::to_owned),
        );
        let started = docker(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(started.code, 0, "{started:?}");
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "-f", format, &name]).out;
        let engine = Self { name, host: format!("tcp://{}:2375", address.trim()) };
        engine.wait();
        engine
    }

    /// Until it answers.
    pub fn wait(&self) {
        while self.docker(&["info"]).code != 0 {
            let log = docker(&["logs", &self.name]);
            let running = docker(&["inspect", "-f", "{{.State.Running}}", &self.name]);
            assert_eq!(running.out.trim(), "true", "the engine has ended: {log:?}");
        }
    }

    /// Ends it, with all that runs on it, and starts it again.
    pub fn restart(&self) {
        let restarted = docker(&["restart", "-t", "10", &self.name]);
        assert_eq!(restarted.code, 0, "{restarted:?}");
        self.wait();
    }

    pub fn docker(&self, arguments: &[&str]) -> Said {
        docker(&[&["-H", &self.host], arguments].concat())
    }

    /// Brings images over.
    pub fn load(&self, images: &[&str]) {
        let mut save = Command::new("docker").arg("save").args(images).stdout(Stdio::piped()).spawn().unwrap();
        let mut load = Command::new("docker");
        load.args(["-H", &self.host, "load"]).stdin(save.stdout.take().unwrap()).stdout(Stdio::null());
        assert!(load.status().unwrap().success());
        assert!(save.wait().unwrap().success());
    }

    pub fn left(&self) -> String {
        let filter = ["--filter", "label=dev.labrunner.lab"];
        let kinds: [&[&str]; 3] = [&["ps", "-aq"], &["volume", "ls", "-q"], &["network", "ls", "-q"]];
        kinds.iter().map(|kind| self.docker(&[*kind, &filter].concat()).out).collect()
    }
}

impl Drop for FarEngine {
    fn drop(&mut self) {
        docker(&["rm", "-fv", &self.name]);
        docker(&["network", "rm", &self.name]);
    }
}
