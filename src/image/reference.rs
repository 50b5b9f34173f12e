//! Names of images. The one home of the default registry.
//!
//! Source: distribution/reference, "normalized names".

use std::fmt;

/// The registry of names without one.
const DEFAULT_REGISTRY: &str = "docker.io";
/// The namespace of official images there.
const OFFICIAL: &str = "library";
/// The registry part of images that recipes make; nothing answers there.
pub const LOCAL: &str = "labrunner.local";

/// A normalised image reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub registry: String,
    pub repository: String,
    pub tag: String,
    pub digest: Option<String>,
}

impl Reference {
    /// Reads and normalises a name: `redis:8` is the official image of that name; no tag is `latest`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, digest) =
            text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest.to_owned())));
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (name, "latest"),
        };
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest.to_owned()),
            Some(_) => (DEFAULT_REGISTRY, name.to_owned()),
            None => (DEFAULT_REGISTRY, format!("{OFFICIAL}/{name}")),
        };
        let good =
            |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '.' | '_' | '-' | '/');
        let valid = !repository.is_empty() && repository.chars().all(good) && !tag.is_empty();
        valid.then(|| Self { registry: registry.to_owned(), repository, tag: tag.to_owned(), digest })
    }

    /// The name of a recipe's image.
    pub fn local(name: &str, tag: &str) -> Self {
        Self { registry: LOCAL.into(), repository: name.into(), tag: tag.into(), digest: None }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.repository.strip_prefix(&format!("{OFFICIAL}/")).unwrap_or(&self.repository);
        match self.registry.as_str() {
            DEFAULT_REGISTRY => write!(f, "{short}:{}", self.tag)?,
            registry => write!(f, "{registry}/{}:{}", self.repository, self.tag)?,
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_and_shown_short() {
        let cases = [
            ("redis:8", "docker.io", "library/redis", "8", "redis:8"),
            ("redis", "docker.io", "library/redis", "latest", "redis:latest"),
            ("msztolcman/sendria:v2", "docker.io", "msztolcman/sendria", "v2", "msztolcman/sendria:v2"),
            ("localhost:5000/a/b", "localhost:5000", "a/b", "latest", "localhost:5000/a/b:latest"),
            ("ghcr.io/x/y:1", "ghcr.io", "x/y", "1", "ghcr.io/x/y:1"),
        ];
        for (text, registry, repository, tag, shown) in cases {
            let reference = Reference::parse(text).unwrap();
            assert_eq!(
                (reference.registry.as_str(), reference.repository.as_str(), reference.tag.as_str()),
                (registry, repository, tag)
            );
            assert_eq!(reference.to_string(), shown);
        }
        assert_eq!(Reference::parse("Not A Name"), None);
    }
}
