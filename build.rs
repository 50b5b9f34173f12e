//! `build`. Source: the Compose specification, "Build".

use std::path::Path;

use super::scalars::{Bare, given};
use super::{Reader, keys};
use crate::catalog::tree::{Node, Span};
use crate::lab::stack::Build;

impl Reader<'_, '_> {
    pub(super) fn build(&mut self, node: &Node) -> Option<Build> {
        if let Some(context) = node.text() {
            return self.finish(Build::default(), context, node.span, node.span);
        }
        if !self.check_keys(node, "`build`", keys::BUILD) {
            return None;
        }
        if let (Some(_), Some(inline)) = (given(node, "dockerfile"), given(node, "dockerfile_inline")) {
            self.bad(inline.span, "`dockerfile` and `dockerfile_inline` exclude each other; keep one".into());
        }
        let place = |key: &str| node.get(key).map_or(node.span, |value| value.span);
        let context = self.text_of(node, "context").unwrap_or_else(|| ".".into());
        let build = Build {
            dockerfile: self.text_of(node, "dockerfile"),
            dockerfile_inline: self.text_of(node, "dockerfile_inline"),
            args: self.map_of(node, "args", Bare::Inherits),
            target: self.text_of(node, "target"),
            labels: self.labels_of(node),
            no_cache: self.flag_of(node, "no_cache").unwrap_or(false),
            ..Build::default()
        };
        self.finish(build, &context, place("context"), place("dockerfile"))
    }

    fn finish(&mut self, mut build: Build, context: &str, place: Span, dockerfile_place: Span) -> Option<Build> {
        // What the engine's own clients take for a repository or an archive to fetch.
        if context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/") {
            let hint = "clone it next to this file, and give the folder".to_owned();
            let message = format!("the build context `{context}` is not a folder; contexts are not fetched");
            self.findings.error("remote-context", place, message, hint);
            return None;
        }
        build.context = self.path(context);
        self.may_read(&build.context, place);
        let outside = build.dockerfile.as_deref().map(|name| super::paths::resolve(&build.context.join(name)));
        if let Some(path) = outside.filter(|path| !path.starts_with(&build.context)) {
            // Only the context is sent, so a Dockerfile from elsewhere goes along as text.
            build.dockerfile = None;
            build.dockerfile_inline = self.outer_dockerfile(&path, dockerfile_place);
        }
        Some(build)
    }

    fn outer_dockerfile(&mut self, path: &Path, span: Span) -> Option<String> {
        let content = self.file(path, span)?;
        let text = content.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
        match text {
            Ok(text) => Some(text),
            Err(error) => {
                self.bad(span, format!("cannot read the Dockerfile `{}`: {error}", path.display()));
                None
            }
        }
    }
}
