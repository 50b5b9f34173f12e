//! Images that are on the engine already, as they should be: found by asking for all names at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;

use super::ensure::{Policy, Ready, Source};
use super::recipe::{self, Recipe};
use super::{ImageEngine, ImageError, ImageFacts, Reference, base};

/// Those of `wanted` for which nothing has to be pulled or built.
///
/// # Errors
/// The engine does not answer.
pub(super) async fn standing<E: ImageEngine>(
    engine: &E,
    wanted: &[String],
    recipes: &[Recipe],
    policy: Policy,
) -> Result<BTreeMap<String, Ready>, ImageError> {
    let asked: Vec<(&String, String, Vec<&Recipe>)> = wanted
        .iter()
        .filter_map(|text| {
            let reference = Reference::parse(text)?;
            let chain = match policy {
                Policy::Registry => Vec::new(),
                Policy::Auto | Policy::Local => chain(recipes, &reference),
            };
            Some((text, reference.to_string(), chain))
        })
        .collect();
    let ground = base::reference().to_string();
    let mut names = BTreeSet::new();
    for (_, name, chain) in &asked {
        names.extend((policy != Policy::Local).then(|| name.clone()));
        names.extend(chain.iter().map(|recipe| recipe.image().to_string()));
        names.extend((!chain.is_empty()).then(|| ground.clone()));
    }
    let asking = names.into_iter().map(|name| async move { Ok((engine.find(&name).await?, name)) });
    let found = try_join_all(asking).await?.into_iter().filter_map(|(facts, name)| Some((name, facts?)));
    let found: BTreeMap<String, ImageFacts> = found.collect();
    let made = |name: &str, digest: &str| {
        found.get(name).filter(|facts| facts.digest.as_deref() == Some(digest)).map(|facts| facts.id.clone())
    };
    let ready = asked.into_iter().filter_map(|(text, name, chain)| {
        if policy != Policy::Local
            && let Some(facts) = found.get(&name)
        {
            return Some((text.clone(), Ready { name, id: facts.id.clone(), source: Source::Registry }));
        }
        let last = chain.last()?.image().to_string();
        let mut id = made(&ground, base::MADE_AS)?;
        for recipe in chain {
            id = made(&recipe.image().to_string(), &recipe.digest(&id))?;
        }
        Some((text.clone(), Ready { name: last, id, source: Source::Recipe }))
    });
    Ok(ready.collect())
}

/// The recipe that serves a reference, behind those that it stands on; empty if there is none.
fn chain<'r>(recipes: &'r [Recipe], reference: &Reference) -> Vec<&'r Recipe> {
    let served = recipe::find(recipes, reference).ok();
    let parent = |one: &&'r Recipe| recipes.iter().find(|other| Some(&other.name) == one.parent.as_ref());
    let mut chain: Vec<&Recipe> = std::iter::successors(served, parent).collect();
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::image::BuildRequest;

    /// An engine that has images, by name and digest, and is asked for nothing else.
    struct Has(Vec<(String, Option<String>)>);

    impl ImageEngine for Has {
        async fn find(&self, name: &str) -> Result<Option<ImageFacts>, ImageError> {
            let found = self.0.iter().find(|(one, _)| one == name);
            Ok(found.map(|(name, digest)| ImageFacts { id: format!("id of {name}"), digest: digest.clone(), size: 1 }))
        }
        async fn pull(&self, _: &Reference, _: &(dyn Fn(&str, &str, u64, u64) + Sync)) -> Result<(), ImageError> {
            unreachable!()
        }
        async fn build(&self, _: BuildRequest, _: &(dyn Fn(&str) + Sync)) -> Result<(), ImageError> {
            unreachable!()
        }
        async fn import(&self, _: &Reference, _: PathBuf, _: Vec<String>) -> Result<(), ImageError> {
            unreachable!()
        }
        async fn forget(&self, _: &str) -> Result<(), ImageError> {
            unreachable!()
        }
        async fn save(&self, _: &[&str], _: &Path) -> Result<u64, ImageError> {
            unreachable!()
        }
        async fn load(&self, _: &Path) -> Result<(), ImageError> {
            unreachable!()
        }
    }

    /// An engine with the image of `name`'s recipe and all that it stands on.
    fn cooked(name: &str) -> (Has, String) {
        let (recipes, ground) = (recipe::all(), base::reference().to_string());
        let mut has = vec![(ground.clone(), Some(base::MADE_AS.to_owned()))];
        let (mut on, mut last) = (format!("id of {ground}"), String::new());
        for recipe in chain(&recipes, &Reference::parse(name).unwrap()) {
            last = recipe.image().to_string();
            has.push((last.clone(), Some(recipe.digest(&on))));
            on = format!("id of {last}");
        }
        (Has(has), last)
    }

    async fn found(has: &Has, name: &str, policy: Policy) -> Option<(String, Source)> {
        let wanted = [name.to_owned()];
        let found = standing(has, &wanted, &recipe::all(), policy).await.unwrap();
        found.get(name).map(|ready| (ready.name.clone(), ready.source))
    }

    #[tokio::test]
    async fn an_image_stands_if_all_below_it_do() {
        // This one has a parent.
        let (mut has, name) = cooked("python:3.13");
        assert!(has.0.len() > 2);
        let from_recipe = Some((name, Source::Recipe));
        assert_eq!(found(&has, "python:3.13", Policy::Auto).await, from_recipe);
        assert_eq!(found(&has, "python:3.13", Policy::Local).await, from_recipe);
        assert_eq!(found(&has, "python:3.13", Policy::Registry).await, None);
        for index in 0..has.0.len() {
            let digest = has.0[index].1.replace("of another recipe".into());
            assert_eq!(found(&has, "python:3.13", Policy::Auto).await, None, "{}", has.0[index].0);
            has.0[index].1 = digest;
        }
    }

    #[tokio::test]
    async fn what_was_pulled_stands_by_itself_unless_recipes_are_wanted() {
        let pulled = Reference::parse("redis:8").unwrap().to_string();
        let has = Has(vec![(pulled.clone(), None)]);
        let from_registry = Some((pulled, Source::Registry));
        assert_eq!(found(&has, "redis:8", Policy::Auto).await, from_registry);
        assert_eq!(found(&has, "redis:8", Policy::Registry).await, from_registry);
        assert_eq!(found(&has, "redis:8", Policy::Local).await, None);
        assert_eq!(found(&has, "nobody/knows:1", Policy::Auto).await, None);
    }
}
