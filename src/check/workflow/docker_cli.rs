//! What `docker` means in a step of a replayed workflow: the few commands that deliver an image. There is no engine on
//! the machine; whoever calls `docker` there asks labrunner, which builds and pushes.
//!
//! Source: Docker's "docker" command line reference for `build`, `tag`, `push`, `login`.

use std::collections::BTreeMap;

use super::machine::ImageBuild;

/// The program that stands for `docker` on the machine: it hands folder, input and words over, and waits for the answer:
/// a line with the exit code, and what to print.
pub(super) const STAND_IN: &str = r#"#!/bin/sh
input=
case " $* " in *" --password-stdin "*) input=$(cat) ;; esac
printf '%s\0' "$PWD" "$input" "$@" > /labrunner/ask
{ read -r code; cat; exit "$code"; } < /labrunner/answer
"#;

/// What is asked.
#[derive(Debug, PartialEq)]
pub(super) enum Request {
    Login {
        registry: String,
        user: String,
        password: String,
    },
    Build {
        build: ImageBuild,
        tags: Vec<String>,
        push: bool,
    },
    Tag {
        from: String,
        to: String,
    },
    Push {
        image: String,
    },
    /// Nothing that changes anything.
    Harmless,
}

/// Reads a call of `docker` in a folder.
///
/// # Errors
/// A command or option that the replay does not know.
pub(super) fn read(folder: &str, input: &str, words: &[String]) -> Result<Request, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let unknown = || format!("`docker {}` is nothing that the replay knows", words.join(" "));
    match words.as_slice() {
        ["buildx" | "image" | "builder", "build", rest @ ..] | ["build", rest @ ..] => build(folder, rest),
        ["tag", from, to] | ["image", "tag", from, to] => {
            Ok(Request::Tag { from: (*from).to_owned(), to: (*to).to_owned() })
        }
        ["push", rest @ ..] | ["image", "push", rest @ ..] => match rest.iter().find(|word| !word.starts_with('-')) {
            Some(image) if !rest.contains(&"-a") && !rest.contains(&"--all-tags") => {
                Ok(Request::Push { image: (*image).to_owned() })
            }
            _ => Err(unknown()),
        },
        ["login", rest @ ..] => login(input, rest).ok_or_else(unknown),
        ["version" | "info" | "--version" | "-v" | "logout" | "images", ..]
        | ["buildx", "create" | "use" | "version" | "inspect" | "ls", ..] => Ok(Request::Harmless),
        _ => Err(unknown()),
    }
}

/// Options of `docker build` that take a value and do not change what is built here.
const ASIDE: [&str; 9] = [
    "--cache-from",
    "--cache-to",
    "--progress",
    "--network",
    "--provenance",
    "--sbom",
    "--builder",
    "--metadata-file",
    "--iidfile",
];

fn build(folder: &str, words: &[&str]) -> Result<Request, String> {
    let (mut wanted, mut tags, mut push, mut context) = (ImageBuild::default(), Vec::new(), false, None);
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let (name, inside) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word, None),
        };
        let mut value =
            || inside.or_else(|| words.next()).map(str::to_owned).ok_or_else(|| format!("`{name}` says nothing"));
        match name {
            "-t" | "--tag" => tags.push(value()?),
            "-f" | "--file" => wanted.dockerfile = Some(absolute(folder, &value()?)),
            "--build-arg" => wanted.arguments.extend(pair(&value()?)),
            "--label" => wanted.labels.extend(pair(&value()?)),
            "--target" => wanted.target = Some(value()?),
            "--push" => push = true,
            "--platform" => drop(value()?),
            "--load" | "--pull" | "--no-cache" | "-q" | "--quiet" | "--rm" | "--force-rm" => {}
            _ if ASIDE.contains(&name) => drop(value()?),
            _ if name.starts_with('-') => {
                return Err(format!("`docker build {name}` is nothing that the replay knows"));
            }
            _ => context = Some(absolute(folder, word)),
        }
    }
    wanted.context = context.ok_or("`docker build` needs a folder to build from, for example `.`")?;
    Ok(Request::Build { build: wanted, tags, push })
}

fn login(input: &str, words: &[&str]) -> Option<Request> {
    let (mut user, mut password, mut registry) = (None, None, None);
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let (name, inside) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        match name {
            "-u" | "--username" => user = Some(inside.or_else(|| words.next())?),
            "-p" | "--password" => password = Some(inside.or_else(|| words.next())?),
            "--password-stdin" => password = Some(input.trim_end_matches(['\r', '\n'])),
            _ if name.starts_with('-') => return None,
            _ => registry = Some(word),
        }
    }
    Some(Request::Login {
        registry: registry.unwrap_or("docker.io").to_owned(),
        user: user?.to_owned(),
        password: password?.to_owned(),
    })
}

/// `NAME=value`; a name alone takes its value from an environment that nobody here has.
pub(super) fn pair(text: &str) -> BTreeMap<String, String> {
    text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.to_owned())).into_iter().collect()
}

/// A path as seen from a folder.
pub(super) fn absolute(folder: &str, path: &str) -> String {
    match path {
        "." | "" => folder.to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("{}/{}", folder.trim_end_matches('/'), path.trim_start_matches("./")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<Request, String> {
        read("/work", "word\n", &shell_words::split(text).unwrap())
    }

    #[test]
    fn commands_that_deliver_are_read() {
        let Ok(Request::Build { build, tags, push }) = asked(
            "buildx build --push -t a/b:1 --tag=a/b:2 --build-arg RELEASE=x --target production -f sub/Dockerfile sub",
        ) else {
            panic!("no build")
        };
        assert_eq!((tags, push), (vec!["a/b:1".to_owned(), "a/b:2".to_owned()], true));
        assert_eq!((build.context.as_str(), build.dockerfile.as_deref()), ("/work/sub", Some("/work/sub/Dockerfile")));
        assert_eq!((build.arguments["RELEASE"].as_str(), build.target.as_deref()), ("x", Some("production")));
        let login =
            |user: &str| Request::Login { registry: "r:5000".into(), user: user.into(), password: "word".into() };
        assert_eq!(asked("login r:5000 -u ci --password-stdin"), Ok(login("ci")));
        assert_eq!(asked("login --username=ci -p word r:5000"), Ok(login("ci")));
        assert_eq!(asked("push a/b:1"), Ok(Request::Push { image: "a/b:1".into() }));
        assert_eq!(asked("tag a b"), Ok(Request::Tag { from: "a".into(), to: "b".into() }));
        assert_eq!(asked("version"), Ok(Request::Harmless));
    }

    #[test]
    fn what_is_not_known_is_said() {
        for (call, why) in [
            ("run --rm x", "`docker run --rm x` is nothing"),
            ("build --secret id=a .", "`docker build --secret` is nothing"),
            ("build -t x", "needs a folder"),
            ("push --all-tags x", "is nothing"),
            ("login r:5000", "is nothing"),
        ] {
            let said = asked(call).unwrap_err();
            assert!(said.contains(why), "{call}: {said}");
        }
    }
}
