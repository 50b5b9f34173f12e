//! Recipes: how images are built from distribution packages when no registry can be reached.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use regex::Regex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::program::Program;
use super::reference::Reference;
use super::{DIGEST, ImageError};

static RECIPES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/recipes");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    tag: String,
    serves: Serves,
    parent: Option<String>,
    program: Option<Program>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Serves {
    repository: String,
    tags: Vec<String>,
}

/// One recipe.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub name: String,
    pub tag: String,
    /// The recipe that has to be built first, besides the base.
    pub parent: Option<String>,
    /// A program that is built on this machine and put beside the Dockerfile.
    pub program: Option<Program>,
    repository: String,
    tags: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Recipe {
    /// The name of its image.
    pub fn image(&self) -> Reference {
        Reference::local(&self.name, &self.tag)
    }

    /// The build context, the same bytes for the same recipe; `program` is the file of its program.
    ///
    /// # Errors
    /// The program cannot be read.
    pub fn context(&self, program: Option<&std::path::Path>) -> std::io::Result<Vec<u8>> {
        let mut files: Vec<_> = self.files.iter().map(|(path, bytes)| (path.clone(), bytes.clone(), 0o644)).collect();
        if let (Some(file), Some(program)) = (program, &self.program) {
            files.push((program.package.clone(), std::fs::read(file)?, 0o755));
        }
        super::build::pack(files)
    }

    /// Digest of everything that the image is made from, the id of the image it is built on included.
    pub fn digest(&self, on: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(on);
        for (path, bytes) in &self.files {
            hash.update(path);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        hash.update(self.program.as_ref().map(Program::identity).unwrap_or_default());
        hex::encode(&hash.finalize()[..16])
    }

    /// The labels of its image.
    pub fn labels(&self, on: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(DIGEST.to_owned(), self.digest(on))])
    }

    fn serves(&self, reference: &Reference) -> bool {
        self.repository == reference.repository
            && self.tags.iter().any(|pattern| Regex::new(pattern).is_ok_and(|regex| regex.is_match(&reference.tag)))
    }
}

/// Every recipe of this binary.
pub fn all() -> Vec<Recipe> {
    RECIPES.dirs().filter_map(read).collect()
}

fn read(folder: &Dir<'_>) -> Option<Recipe> {
    let text = folder.get_file(folder.path().join("recipe.yaml"))?.contents_utf8()?;
    let file: File = serde_yaml::from_str(text).ok()?;
    let mut files: Vec<(String, Vec<u8>)> = folder
        .files()
        .filter(|file| !file.path().ends_with("recipe.yaml"))
        .filter_map(|file| Some((file.path().file_name()?.to_str()?.to_owned(), file.contents().to_vec())))
        .collect();
    files.sort();
    Some(Recipe {
        name: file.name,
        tag: file.tag,
        parent: file.parent,
        program: file.program,
        repository: file.serves.repository,
        tags: file.serves.tags,
        files,
    })
}

/// The recipe that serves a reference.
///
/// # Errors
/// None does; names the nearest one.
pub fn find<'r>(recipes: &'r [Recipe], reference: &Reference) -> Result<&'r Recipe, ImageError> {
    recipes.iter().find(|recipe| recipe.serves(reference)).ok_or_else(|| {
        let same = recipes.iter().find(|recipe| recipe.repository == reference.repository);
        let nearest = same.map(|recipe| format!("; the recipe `{}` is for version {}", recipe.name, recipe.tag));
        let known: Vec<String> = recipes.iter().map(|recipe| format!("{}:{}", recipe.name, recipe.tag)).collect();
        ImageError::NoRecipe {
            image: reference.to_string(),
            nearest: nearest.unwrap_or_default(),
            known: known.join(", "),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_a_recipe_and_serves_its_own_tag() {
        let recipes = all();
        assert_eq!(recipes.len(), RECIPES.dirs().count());
        for (image, name) in
            [("python:3.13-slim", "python"), ("redis:8.2.1", "redis"), ("msztolcman/sendria:v2.2.2.0", "sendria")]
        {
            assert_eq!(find(&recipes, &Reference::parse(image).unwrap()).unwrap().name, name);
        }
    }

    #[test]
    fn what_no_recipe_serves_is_refused_with_the_nearest() {
        let error = find(&all(), &Reference::parse("python:2.7").unwrap()).unwrap_err().to_string();
        assert!(error.contains("the recipe `python` is for version 3.13-slim"), "{error}");
    }
}
