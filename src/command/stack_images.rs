//! The images of a lab's stack: what it names is brought in, what it builds is built.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Instant;

use super::app::{App, Opened};
use super::failure::Failure;
use crate::docker::DockerEngine;
use crate::docker::reach::Reach;
use crate::environment::Identity;
use crate::environment::ready::NotReady;
use crate::event::Event;
use crate::image::ensure::{Means, Ready};
use crate::image::{self, BUILT_FOR, BuildRequest, DIGEST, ImageEngine, ImageError, Reference};
use crate::lab::stack::Build;
use crate::lab::{OWN_IMAGE, Owner, ServiceName};

/// Name and id on the engine of each service's image.
pub type Images = BTreeMap<ServiceName, (String, String)>;

/// Brings in what the stack names, builds what it builds.
///
/// # Errors
/// An image of the lab cannot be had. What the learner's own services lack is in the result.
pub async fn images(
    app: &App,
    opened: &Opened,
    engine: &DockerEngine,
    sources: &mut BTreeMap<String, String>,
) -> Result<(Images, BTreeMap<ServiceName, NotReady>), Failure> {
    let stack = &opened.lab.stack;
    let means = app.means();
    let mut named: Vec<String> = opened.lab.images().into_iter().collect();
    if opened.reach.get().is_some_and(Reach::is_relay) || opened.carrying().is_some() {
        named.push(OWN_IMAGE.into());
    }
    let ready = image::ensure(engine, &named, &means).await?;
    sources.extend(ready.iter().map(|(name, one)| (name.clone(), one.source.word().to_owned())));
    let mut images = Images::new();
    let mut broken = BTreeMap::new();
    let mut built: BTreeMap<String, Result<(String, String), NotReady>> = BTreeMap::new();
    for (name, service) in &stack.services {
        let Some(build) = &service.build else {
            if let Some(one) = service.image.as_ref().and_then(|image| ready.get(image)) {
                images.insert(name.clone(), (one.name.clone(), one.id.clone()));
            }
            continue;
        };
        // Services that build the same share one image.
        let key = format!("{build:?}");
        match built.get(&key) {
            Some(Ok(same)) => {
                images.insert(name.clone(), same.clone());
                continue;
            }
            Some(Err(same)) => {
                broken.insert(name.clone(), same.clone());
                continue;
            }
            None => {}
        }
        match build_image(opened, engine, name, build, &means).await {
            Ok(one) => {
                built.insert(key, Ok(one.clone()));
                images.insert(name.clone(), one);
            }
            Err(error) if opened.lab.owner_of(name) == Owner::Learner && is_learners(&error) => {
                let (reason, log) = match error {
                    ImageError::Build { message, log, .. } => {
                        (format!("its image does not build: {message}"), log.lines().map(str::to_owned).collect())
                    }
                    other => (format!("its image does not build: {other}"), Vec::new()),
                };
                let state = crate::event::ServiceState::Failed(reason.clone());
                app.sink.emit(Event::Service { service: name.clone(), state });
                let why = NotReady { reason, machine: false, log };
                built.insert(key, Err(why.clone()));
                broken.insert(name.clone(), why);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((images, broken))
}

/// What the image that is built for a service is called.
fn built_name(identity: &Identity, service: &ServiceName) -> String {
    Reference::local(&format!("{}/{service}", identity.project()), "latest").to_string()
}

fn is_learners(error: &ImageError) -> bool {
    matches!(
        error,
        ImageError::Build { .. }
            | ImageError::File { .. }
            | ImageError::NoDockerfile { .. }
            | ImageError::NoRecipe { .. }
            | ImageError::Refused { .. }
    )
}

/// What building one service's image means: its name, the key of its content, the request.
async fn build_of<F: Future<Output = Result<BTreeMap<String, Ready>, ImageError>>>(
    opened: &Opened,
    engine: &DockerEngine,
    name: &ServiceName,
    build: &Build,
    bases: impl FnOnce(Vec<String>) -> F,
) -> Result<(String, String, BuildRequest), ImageError> {
    let dockerfile = build.dockerfile.as_deref().unwrap_or("Dockerfile");
    let prepare = |replace: &dyn Fn(&str) -> Option<String>| {
        image::build::prepare(&build.context, dockerfile, build.dockerfile_inline.as_deref(), replace)
    };
    let bases = bases(prepare(&|_| None)?.from).await?;
    let prepared = prepare(&|name| bases.get(name).map(|one| one.name.clone()).filter(|other| *other != name))?;
    let ids: Vec<&str> = bases.values().map(|one| one.id.as_str()).collect();
    let digest = format!("{}-{}", prepared.digest, short_hash(&format!("{ids:?}{:?}{:?}", build.args, build.target)));
    let image = built_name(&opened.identity, name);
    let mut labels = build.labels.clone();
    labels.insert(DIGEST.into(), digest.clone());
    labels.insert(BUILT_FOR.into(), engine.built_for(&opened.identity));
    let request = BuildRequest {
        name: image.clone(),
        context: prepared.context,
        dockerfile: "Dockerfile.labrunner".into(),
        args: build.args.clone(),
        target: build.target.clone(),
        labels,
        no_cache: build.no_cache,
    };
    Ok((image, digest, request))
}

async fn build_image(
    opened: &Opened,
    engine: &DockerEngine,
    name: &ServiceName,
    build: &Build,
    means: &Means<'_>,
) -> Result<(String, String), ImageError> {
    let bases = |from: Vec<String>| async move { image::ensure(engine, &from, means).await };
    let (image, digest, request) = build_of(opened, engine, name, build, bases).await?;
    if let Some(facts) = engine.find(&image).await?
        && facts.digest.as_ref() == Some(&digest)
        && !build.no_cache
    {
        return Ok((image, facts.id));
    }
    let began = Instant::now();
    means.sink.emit(Event::ImageBegan { image: image.clone(), how: "build" });
    engine
        .build(request, &|line| means.sink.emit(Event::ImageLine { image: image.clone(), line: line.to_owned() }))
        .await?;
    means.sink.emit(Event::ImageDone { image: image.clone(), took: began.elapsed() });
    let facts = engine.find(&image).await?;
    let facts = facts.ok_or_else(|| ImageError::Engine(format!("`{image}` was built and is not on the engine")))?;
    Ok((image, facts.id))
}

/// What [`images`] would find and do, without doing it: the images that are there, and a step with its reason for
/// each that is not.
///
/// # Errors
/// The engine does not answer.
pub async fn planned(opened: &Opened, engine: &DockerEngine) -> Result<(Images, Vec<(String, String)>), Failure> {
    let (mut images, mut steps) = (Images::new(), BTreeMap::new());
    for (name, service) in &opened.lab.stack.services {
        let found = match (&service.build, &service.image) {
            (Some(build), _) => {
                let bases = |from: Vec<String>| async move { image::present(engine, &from).await };
                match build_of(opened, engine, name, build, bases).await {
                    Ok((image, digest, _)) => {
                        let facts = engine.find(&image).await?.filter(|facts| facts.digest.as_ref() == Some(&digest));
                        if facts.is_none() {
                            steps.insert(format!("build the image of {name}"), "what it is made from is new".into());
                        }
                        (image, facts.map(|facts| facts.id).unwrap_or_default())
                    }
                    Err(error) => {
                        steps.insert(format!("build the image of {name}"), error.to_string());
                        (String::new(), String::new())
                    }
                }
            }
            (None, Some(image)) => match image::present(engine, std::slice::from_ref(image)).await?.remove(image) {
                Some(ready) => (ready.name, ready.id),
                None => {
                    steps.insert(format!("fetch image {image}"), "it is not on the engine".into());
                    (image.clone(), String::new())
                }
            },
            (None, None) => continue,
        };
        images.insert(name.clone(), found);
    }
    Ok((images, steps.into_iter().collect()))
}

fn short_hash(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(text)[..6])
}
