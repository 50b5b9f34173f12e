//! Brings images onto the engine: present, else pulled, else built from a recipe.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::base::{self, BaseSettings};
use super::recipe::{self, Recipe};
use super::standing::standing;
use super::{BuildRequest, ImageEngine, ImageError, Reference, turn};
use crate::event::{Event, Sink};

/// Where images may come from (`--images`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// What is there, else a registry, else a recipe.
    #[default]
    Auto,
    /// What is there, else a registry.
    Registry,
    /// Recipes only.
    Local,
}

/// Where an image came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Registry,
    Recipe,
}

impl Source {
    /// The word for output and records.
    pub fn word(self) -> &'static str {
        match self {
            Source::Registry => "registry",
            Source::Recipe => "recipe",
        }
    }
}

/// An image that is on the engine now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What the engine calls it.
    pub name: String,
    pub id: String,
    pub source: Source,
}

/// How images are brought in.
pub struct Means<'a> {
    pub policy: Policy,
    pub base: &'a BaseSettings,
    /// A folder for what is kept and can be made again.
    pub cache: PathBuf,
    /// Where cargo keeps what it fetches.
    pub cargo_home: PathBuf,
    pub sink: &'a dyn Sink,
}

/// Brings every reference in, each once.
///
/// # Errors
/// The first image that cannot be had.
pub async fn ensure<E: ImageEngine>(
    engine: &E,
    wanted: &[String],
    means: &Means<'_>,
) -> Result<BTreeMap<String, Ready>, ImageError> {
    let recipes = recipe::all();
    // Mostly all of them are there.
    let mut ready = standing(engine, wanted, &recipes, means.policy).await?;
    let mut registry_is_away = false;
    for text in wanted {
        if ready.contains_key(text) {
            continue;
        }
        let bad = || ImageError::Engine(format!("`{text}` is not the name of an image"));
        let reference = Reference::parse(text).ok_or_else(bad)?;
        let one = bring(engine, &reference, &recipes, means, &mut registry_is_away).await?;
        ready.insert(text.clone(), one);
    }
    Ok(ready)
}

/// Those of `wanted` that are on the engine already, under their own name or as a recipe's image. Changes nothing.
///
/// # Errors
/// The engine does not answer.
pub async fn present<E: ImageEngine>(engine: &E, wanted: &[String]) -> Result<BTreeMap<String, Ready>, ImageError> {
    let recipes = recipe::all();
    let mut found = BTreeMap::new();
    for text in wanted {
        let Some(reference) = Reference::parse(text) else { continue };
        let recipe = recipe::find(&recipes, &reference).ok().map(|recipe| recipe.image().to_string());
        let names = [(Some(reference.to_string()), Source::Registry), (recipe, Source::Recipe)];
        for (name, source) in names.into_iter().filter_map(|(name, source)| Some((name?, source))) {
            if let Some(facts) = engine.find(&name).await? {
                found.insert(text.clone(), Ready { name, id: facts.id, source });
                break;
            }
        }
    }
    Ok(found)
}

async fn bring<E: ImageEngine>(
    engine: &E,
    reference: &Reference,
    recipes: &[Recipe],
    means: &Means<'_>,
    registry_is_away: &mut bool,
) -> Result<Ready, ImageError> {
    let name = reference.to_string();
    if means.policy != Policy::Local {
        if let Some(facts) = engine.find(&name).await? {
            return Ok(Ready { name, id: facts.id, source: Source::Registry });
        }
        // An image of ours that is there already spares the wait for a registry that is not.
        let built = match (means.policy, recipe::find(recipes, reference)) {
            (Policy::Auto, Ok(recipe)) => engine.find(&recipe.image().to_string()).await?.is_some(),
            _ => false,
        };
        if !built && !*registry_is_away {
            match pull(engine, reference, means).await {
                Ok(()) => {
                    let facts = engine.find(&name).await?;
                    let gone = || ImageError::Engine(format!("`{name}` was pulled and is not on the engine"));
                    return Ok(Ready { id: facts.ok_or_else(gone)?.id, name, source: Source::Registry });
                }
                Err(ImageError::RegistryUnreachable { .. }) if means.policy == Policy::Auto => {
                    *registry_is_away = true;
                    let text = "no registry can be reached: images are built from their recipes".to_owned();
                    means.sink.emit(Event::Note { text });
                }
                Err(error) => return Err(error),
            }
        }
    }
    if means.policy == Policy::Registry {
        return Err(ImageError::Forbidden { image: name, policy: "registry" });
    }
    let recipe = recipe::find(recipes, reference)?;
    let id = Box::pin(cook(engine, recipe, recipes, means)).await?;
    Ok(Ready { name: recipe.image().to_string(), id, source: Source::Recipe })
}

async fn pull<E: ImageEngine>(engine: &E, reference: &Reference, means: &Means<'_>) -> Result<(), ImageError> {
    let (began, image) = (Instant::now(), reference.to_string());
    means.sink.emit(Event::ImageBegan { image: image.clone(), how: "pull" });
    let layer = |layer: &str, status: &str, current, total| {
        let (image, layer, status) = (image.clone(), layer.to_owned(), status.to_owned());
        means.sink.emit(Event::ImageLayer { image, layer, status, current, total });
    };
    engine.pull(reference, &layer).await?;
    means.sink.emit(Event::ImageDone { image: image.clone(), took: began.elapsed() });
    Ok(())
}

/// Builds a recipe's image unless it is there as the recipe says; returns its id.
async fn cook<E: ImageEngine>(
    engine: &E,
    recipe: &Recipe,
    recipes: &[Recipe],
    means: &Means<'_>,
) -> Result<String, ImageError> {
    let on = match recipe.parent.as_ref().and_then(|parent| recipes.iter().find(|one| one.name == *parent)) {
        Some(parent) => Box::pin(cook(engine, parent, recipes, means)).await?,
        None => ground(engine, means).await?,
    };
    let image = recipe.image().to_string();
    let digest = recipe.digest(&on);
    if let Some(id) = made(engine, &image, &digest).await? {
        return Ok(id);
    }
    let began = Instant::now();
    means.sink.emit(Event::ImageBegan { image: image.clone(), how: "recipe" });
    let line = |line: &str| means.sink.emit(Event::ImageLine { image: image.clone(), line: line.to_owned() });
    let _turn = turn::take(&means.cache, &image, &line).await?;
    // Another command may have made it while this one waited.
    if made(engine, &image, &digest).await?.is_none() {
        let program = match &recipe.program {
            Some(program) => Some(program.build(&means.cache, &means.cargo_home, &line).await?),
            None => None,
        };
        let context = recipe.context(program.as_deref()).map_err(|error| ImageError::Engine(error.to_string()))?;
        let (name, labels) = (image.clone(), recipe.labels(&on));
        let request = BuildRequest { name, context, dockerfile: "Dockerfile".into(), labels, ..Default::default() };
        engine.build(request, &line).await?;
    }
    means.sink.emit(Event::ImageDone { image: image.clone(), took: began.elapsed() });
    let gone = || ImageError::Engine(format!("`{image}` was built and is not on the engine"));
    made(engine, &image, &digest).await?.ok_or_else(gone)
}

/// The id of an image, if it is on the engine and made as the digest says.
async fn made<E: ImageEngine>(engine: &E, image: &str, digest: &str) -> Result<Option<String>, ImageError> {
    let facts = engine.find(image).await?;
    Ok(facts.filter(|facts| facts.digest.as_deref() == Some(digest)).map(|facts| facts.id))
}

async fn ground<E: ImageEngine>(engine: &E, means: &Means<'_>) -> Result<String, ImageError> {
    let reference = base::reference();
    let image = reference.to_string();
    if let Some(id) = made(engine, &image, base::MADE_AS).await? {
        return Ok(id);
    }
    let began = Instant::now();
    means.sink.emit(Event::ImageBegan { image: image.clone(), how: "recipe" });
    let line = |line: &str| means.sink.emit(Event::ImageLine { image: image.clone(), line: line.to_owned() });
    let _turn = turn::take(&means.cache, &image, &line).await?;
    if made(engine, &image, base::MADE_AS).await?.is_none() {
        let scratch = means.cache.join("tmp");
        let failed = |error: std::io::Error| ImageError::File { path: scratch.clone(), message: error.to_string() };
        std::fs::create_dir_all(&scratch).map_err(failed)?;
        let folder = tempfile::tempdir_in(&scratch).map_err(failed)?;
        let tar = base::make(means.base, folder.path()).await?;
        engine.import(&reference, tar, base::changes()).await?;
    }
    means.sink.emit(Event::ImageDone { image: image.clone(), took: began.elapsed() });
    let gone = || ImageError::Engine("the base was imported and is not on the engine".into());
    made(engine, &image, base::MADE_AS).await?.ok_or_else(gone)
}
