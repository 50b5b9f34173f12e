//! `changes:` of a stack, and `change:` steps.

use std::path::{Path, PathBuf};

use super::Reader;
use crate::catalog::shape;
use crate::catalog::tree::{Node, Span};
use crate::lab::change::{Changes, Edit, Editing};

impl Reader<'_> {
    /// What is changed; the files that the lab brings for it have to be there.
    pub(super) fn changes(&mut self, node: &Node, what: &str) -> Changes {
        self.known_keys(node, what, &shape::names(shape::CHANGES));
        if node.entries().is_empty() {
            let hint = "add `edits`, `overlay` or `remove`".to_owned();
            self.findings.error("missing-key", node.span, format!("{what} changes nothing"), hint);
        }
        let overlay = self.optional_text(node, "overlay").map(PathBuf::from);
        if let (Some(overlay), Some(place)) = (&overlay, node.get("overlay")) {
            self.own_path(overlay, place.span, Path::is_dir);
        }
        let list = node.get("edits").cloned();
        let edits = list.iter().flat_map(|list| list.items().to_vec());
        Changes {
            overlay,
            edits: edits.filter_map(|edit| self.edit(&edit)).collect(),
            remove: self.texts(node, "remove"),
        }
    }

    fn edit(&mut self, node: &Node) -> Option<Edit> {
        self.known_keys(node, "an edit", &shape::names(shape::EDIT));
        let file = PathBuf::from(self.required_text(node, "file", "an edit")?);
        if !is_inside(&file) {
            let span = node.get("file").map_or(node.span, |file| file.span);
            let hint = "give a path relative to the workspace, without `..`".to_owned();
            self.findings.error("outside", span, format!("`{}` lies outside the workspace", file.display()), hint);
        }
        let copy = self.optional_text(node, "copy").map(PathBuf::from);
        let labs = copy.as_ref().filter(|path| !path.starts_with("${WORKSPACE}"));
        if let (Some(copy), Some(place)) = (labs, node.get("copy")) {
            self.own_path(copy, place.span, Path::is_file);
        }
        let mut text = |key: &str| self.optional_text(node, key);
        let how = Editing::from_keys(text("find"), text("replace"), text("append"), text("write"), copy);
        match how {
            Ok(how) => Some(Edit { file, how }),
            Err(why) => {
                self.findings.error("edit", node.span, why, None);
                None
            }
        }
    }

    fn own_path(&mut self, path: &Path, span: Span, is_there: fn(&Path) -> bool) {
        if !is_inside(path) {
            let hint = "keep it inside the lab's folder".to_owned();
            self.findings.error("outside", span, format!("`{}` lies outside the lab", path.display()), hint);
        } else if !is_there(&self.files.join(path)) {
            self.findings.error("missing-file", span, format!("the lab has no `{}`", path.display()), None);
        }
    }
}

fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir))
}
