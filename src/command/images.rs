//! `images`: what labs run on, fetched, built, and carried to machines without a network.

use std::collections::BTreeSet;
use std::path::Path;

use super::app::App;
use super::{Failure, Outcome};
use crate::image::ensure::Means;
use crate::image::{self, ImageEngine, Policy, Reference, recipe};
use crate::lab::view::{ImageRow, View};

/// The images that a lab names (every lab, when none is said), those that its starter builds on included; or the
/// one image that is named itself, with its tag.
fn names(app: &App, lab: Option<&str>) -> Result<BTreeSet<String>, Failure> {
    let outlines = match lab {
        Some(image) if image.contains(':') && Reference::parse(image).is_some() => return Ok([image.to_owned()].into()),
        Some(name) => vec![app.choose(Some(name))?],
        None => app.outlines()?,
    };
    let mut names = BTreeSet::new();
    for outline in outlines {
        let opened = app.open(&outline)?;
        names.extend(opened.lab.images());
        for folder in &opened.lab.starter {
            if let Ok(prepared) = image::build::prepare(folder, "Dockerfile", None, &|_| None) {
                names.extend(prepared.from);
            }
        }
    }
    Ok(names)
}

/// The images of the labs, and what serves each here.
///
/// # Errors
/// The engine does not answer.
pub async fn list(app: &App) -> Result<Outcome, Failure> {
    let engine = app.engine().await?;
    let recipes = recipe::all();
    let names = names(app, None)?;
    let mut images = Vec::new();
    for name in names {
        let Some(reference) = Reference::parse(&name) else { continue };
        let recipe = recipe::find(&recipes, &reference).ok().map(|recipe| recipe.image().to_string());
        let pulled = engine.find(&name).await?;
        let cooked = match &recipe {
            Some(recipe) => engine.find(recipe).await?,
            None => None,
        };
        let source =
            if pulled.is_some() { Some("registry".to_owned()) } else { cooked.as_ref().map(|_| "recipe".to_owned()) };
        images.push(ImageRow { image: name, source, recipe, size: pulled.or(cooked).map_or(0, |facts| facts.size) });
    }
    Ok(Outcome::ok(View::Images { images }))
}

/// Brings the images in.
///
/// # Errors
/// One of them cannot be had.
pub async fn fetch(app: &App, lab: Option<&str>, policy: Policy) -> Result<Outcome, Failure> {
    let engine = super::doctor::engine(app).await?;
    let names: Vec<String> = names(app, lab)?.into_iter().collect();
    let means = Means { policy, ..app.means() };
    let ready = image::ensure(&engine, &names, &means).await?;
    let lines: Vec<String> =
        ready.iter().map(|(name, one)| format!("{name} from {} ({})", one.source.word(), one.name)).collect();
    Ok(Outcome::ok(View::Done { text: lines.join("\n") }))
}

/// Writes images into one file, for `docker load` or `images load` elsewhere.
///
/// # Errors
/// An image is not here yet, or the file cannot be written.
pub async fn save(app: &App, lab: Option<&str>, file: &Path) -> Result<Outcome, Failure> {
    let engine = app.engine().await?;
    let names: Vec<String> = names(app, lab)?.into_iter().collect();
    let means = app.means();
    let ready = image::ensure(&engine, &names, &means).await?;
    let names: Vec<&str> = ready.values().map(|one| one.name.as_str()).collect();
    let bytes = engine.save(&names, file).await?;
    let text = format!("{} images, {} MB, are in `{}`", names.len(), bytes / 1_000_000, file.display());
    Ok(Outcome::ok(View::Done { text }))
}

/// Reads images from a file.
///
/// # Errors
/// The file cannot be read, or is none of ours.
pub async fn load(app: &App, file: &Path) -> Result<Outcome, Failure> {
    let engine = app.engine().await?;
    engine.load(file).await?;
    Ok(Outcome::ok(View::Done { text: format!("the images of `{}` are on the engine", file.display()) }))
}
