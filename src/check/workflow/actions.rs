//! Actions of the marketplace that a replay knows, and the commands of `docker`: what each would do, done here.
//!
//! Source: the `action.yml` of actions/checkout, actions/setup-python, actions/cache, astral-sh/setup-uv,
//! docker/login-action and docker/build-push-action.

use serde_json::{Map, Value, json};

use super::docker_cli::{self, Request, absolute};
use super::expression::as_text;
use super::job::{Done, Job, WORKSPACE, checkout, unknown};
use super::machine::{Built, HOME, ImageBuild, Machines};
use super::push::Registry;
use crate::check::world::Unobservable;

/// Does what an action does.
pub(super) async fn run<M: Machines>(job: &mut Job<'_, M>, action: &str, with: &Value) -> Result<Done, Unobservable> {
    let text = |key: &str| with.get(key).map(as_text).filter(|text| !text.is_empty());
    let lines = |key: &str| -> Vec<String> {
        let text = text(key).unwrap_or_default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let name = action.split_once('@').map_or(action, |(name, _)| name);
    match name {
        "actions/checkout" => {
            if let Some(key) = ["repository", "ref", "submodules", "lfs"].iter().find(|key| elsewhere(&text(key))) {
                return Err(unknown(&format!("`{key}` of actions/checkout")));
            }
            let folder = absolute(WORKSPACE, &text("path").unwrap_or_default());
            let done = job.command(checkout(&folder), None).await?;
            Ok(Done { code: done.code, said: done.stdout + &done.stderr, outputs: Map::new() })
        }
        "actions/setup-python" => python(job, text("python-version")).await,
        "astral-sh/setup-uv" => {
            let other = ["version-file", "activate-environment", "working-directory", "tool-dir", "tool-bin-dir"];
            if let Some(key) = other.iter().find(|key| elsewhere(&text(key))) {
                return Err(unknown(&format!("`{key}` of astral-sh/setup-uv")));
            }
            uv(job, text("version"), text("python-version")).await
        }
        "actions/cache" | "actions/cache/restore" | "actions/cache/save" => {
            let key = text("key").unwrap_or_default();
            let mut done = Done::well(format!("Cache not found for input keys: {key}\n"));
            done.outputs.insert("cache-hit".into(), "".into());
            Ok(done)
        }
        "actions/upload-artifact" => Ok(Done::well("artifacts are not kept by a replay\n")),
        "docker/setup-buildx-action" | "docker/setup-qemu-action" => Ok(Done::well("")),
        "docker/login-action" => {
            let registry = text("registry").unwrap_or_else(|| "docker.io".into());
            match (text("username"), text("password")) {
                (Some(user), Some(password)) => login(job, registry, user, password).await,
                _ => Ok(Done::badly("Username and password required\n")),
            }
        }
        "docker/build-push-action" => {
            let build = ImageBuild {
                context: absolute(WORKSPACE, text("context").as_deref().unwrap_or(".")),
                dockerfile: text("file").map(|file| absolute(WORKSPACE, &file)),
                arguments: lines("build-args").iter().flat_map(|line| docker_cli::pair(line)).collect(),
                target: text("target"),
                labels: lines("labels").iter().flat_map(|line| docker_cli::pair(line)).collect(),
            };
            if let Some(key) = ["secrets", "build-contexts", "outputs", "ssh"].iter().find(|key| text(key).is_some()) {
                return Err(unknown(&format!("`{key}` of docker/build-push-action")));
            }
            let tags: Vec<String> = lines("tags")
                .iter()
                .flat_map(|line| line.split(','))
                .map(|tag| tag.trim().to_owned())
                .filter(|tag| !tag.is_empty())
                .collect();
            build_image(job, &build, &tags, text("push").is_some_and(|push| push == "true")).await
        }
        _ => Err(unknown(&format!("the action `{name}`"))),
    }
}

/// Whether an input of a checkout asks for something that is not the commit itself.
fn elsewhere(text: &Option<String>) -> bool {
    text.as_deref().is_some_and(|text| !["false", "learner/app"].contains(&text))
}

/// Answers a call of `docker` on the machine: folder, input, words.
pub(super) async fn docker<M: Machines>(job: &mut Job<'_, M>, parts: Vec<String>) -> Result<Done, Unobservable> {
    let [folder, input, words @ ..] = parts.as_slice() else { return Ok(Done::badly("docker: nothing was asked\n")) };
    match docker_cli::read(folder, input, words).map_err(|why| unknown(&why))? {
        Request::Login { registry, user, password } => login(job, registry, user, password).await,
        Request::Build { build, tags, push } => build_image(job, &build, &tags, push).await,
        Request::Tag { from, to } => match job.built.get(&with_tag(&from)).cloned() {
            Some(image) => {
                job.built.insert(with_tag(&to), image);
                Ok(Done::well(""))
            }
            None => Ok(Done::badly(format!("No such image: {from}\n"))),
        },
        Request::Push { image } => push(job, &image).await,
        Request::Harmless => Ok(Done::well("docker, replayed by labrunner\n")),
    }
}

async fn python<M: Machines>(job: &Job<'_, M>, wanted: Option<String>) -> Result<Done, Unobservable> {
    let argv = ["python3", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"].map(str::to_owned).to_vec();
    let output = job.command(argv, None).await?;
    let there = output.stdout.trim().to_owned();
    let wanted = wanted.unwrap_or_else(|| "3.x".into());
    let fits = |wanted: &str| {
        let plain = wanted.trim_start_matches(['^', '~', '>', '=', ' ']).trim_end_matches(".x").trim_end_matches(".*");
        there == plain || there.starts_with(&format!("{plain}."))
    };
    if !fits(&wanted) {
        return Err(unknown(&format!("Python {wanted} (the runner has {there})")));
    }
    let mut done = Done::well(format!("Python {there}\n"));
    done.outputs = json!({ "python-version": there, "cache-hit": false }).as_object().cloned().unwrap_or_default();
    Ok(done)
}

async fn uv<M: Machines>(
    job: &mut Job<'_, M>,
    version: Option<String>,
    python: Option<String>,
) -> Result<Done, Unobservable> {
    let version = version.unwrap_or_else(|| "latest".into());
    let wanted =
        uv_package(&version).ok_or_else(|| unknown(&format!("the version `{version}` of astral-sh/setup-uv")))?;
    let folder = format!("{HOME}/.local/uv");
    let argv =
        ["python3", "-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--target", &folder, &wanted];
    let done = job.command(argv.map(str::to_owned).to_vec(), None).await?;
    if done.code != 0 && !done.stderr.contains("No matching distribution") {
        return Err(Unobservable::Machine(format!("uv cannot be fetched: {}", done.stderr.trim())));
    }
    if done.code == 0 {
        job.paths.push(format!("{folder}/bin"));
        job.environment.extend(python.map(|version| ("UV_PYTHON".to_owned(), version)));
    }
    let mut seen = Done { code: done.code, said: done.stdout + &done.stderr, outputs: Map::new() };
    seen.outputs.insert("cache-hit".into(), "false".into());
    Ok(seen)
}

/// What pip calls a version of uv that the action names: `latest`, one version, `0.9.x`, or a range as Python has it.
fn uv_package(version: &str) -> Option<String> {
    let plain = |text: &str| !text.is_empty() && text.chars().all(|one| one.is_ascii_digit() || one == '.');
    match version.strip_suffix(".x") {
        _ if version == "latest" => Some("uv".into()),
        Some(start) if plain(start) => Some(format!("uv=={start}.*")),
        None if plain(version) => Some(format!("uv=={version}")),
        None if version.starts_with(['>', '<', '=', '!']) || version.starts_with("~=") => Some(format!("uv{version}")),
        _ => None,
    }
}

async fn login<M: Machines>(
    job: &mut Job<'_, M>,
    host: String,
    user: String,
    password: String,
) -> Result<Done, Unobservable> {
    let login = (user, password);
    let address = registry(job, &host).await?;
    let checked = Registry { host: &host, address, login: Some(&login) }.check().await;
    Ok(match checked {
        Ok(()) => {
            job.logins.insert(host, login);
            Done::well("Login Succeeded\n")
        }
        Err(why) => Done::badly(format!("Error response from daemon: {why}\n")),
    })
}

/// Where a registry is reached; only those of the lab are.
async fn registry<M: Machines>(job: &Job<'_, M>, host: &str) -> Result<std::net::SocketAddr, Unobservable> {
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let port = port.parse().map_err(|_| Unobservable::Learner(format!("`{host}` is no registry")))?;
    let found = job.round.machines.address(name, port).await?;
    found.ok_or_else(|| unknown(&format!("the registry `{host}`, which is none of this lab's services,")))
}

async fn build_image<M: Machines>(
    job: &mut Job<'_, M>,
    build: &ImageBuild,
    tags: &[String],
    and_push: bool,
) -> Result<Done, Unobservable> {
    let image = match job.round.machines.build(&job.machine, build).await? {
        Built::Image(image) => image,
        Built::Broken(why) => return Ok(Done::badly(why)),
    };
    job.built.extend(tags.iter().map(|tag| (with_tag(tag), image.clone())));
    let mut all = Done::well(format!("built {}\n", tags.join(", ")));
    all.outputs.insert("imageid".into(), image.into());
    for tag in tags.iter().filter(|_| and_push) {
        let done = push(job, tag).await?;
        all.said.push_str(&done.said);
        if done.code != 0 {
            all.code = done.code;
            break;
        }
    }
    Ok(all)
}

async fn push<M: Machines>(job: &mut Job<'_, M>, name: &str) -> Result<Done, Unobservable> {
    let name = with_tag(name);
    let Some(image) = job.built.get(&name).cloned() else {
        return Ok(Done::badly(format!("An image does not exist locally with the tag: {name}\n")));
    };
    // As Docker reads it: a first part with a dot or a port is a registry.
    let (host, rest) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host.to_owned(), rest),
        _ => ("docker.io".to_owned(), name.as_str()),
    };
    let (repository, tag) = rest.rsplit_once(':').unwrap_or((rest, "latest"));
    let address = registry(job, &host).await?;
    let archive = job.round.machines.save(&image).await?;
    let target = Registry { host: &host, address, login: job.logins.get(&host) };
    Ok(match target.push(archive.path(), repository, tag).await {
        Ok(()) => {
            job.pushed.push(name.clone());
            Done::well(format!("pushed {name}\n"))
        }
        Err(why) => Done::badly(format!("{why}\n")),
    })
}

/// A name with the tag that it has if it says none.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_uv_are_what_pip_calls_them() {
        for (version, package) in [
            ("latest", Some("uv")),
            ("0.13.9", Some("uv==0.13.9")),
            ("0.13.x", Some("uv==0.13.*")),
            (">=0.13,<1", Some("uv>=0.13,<1")),
            ("~=0.13.1", Some("uv~=0.13.1")),
            ("^0.13", None),
            ("--index-url=x", None),
        ] {
            assert_eq!(uv_package(version).as_deref(), package, "{version}");
        }
    }
}
