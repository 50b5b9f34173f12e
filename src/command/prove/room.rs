//! One environment for proving: variants are judged in it one after the other.

use std::collections::BTreeSet;
use std::time::Instant;

use super::variants::{Variant, wrongs};
use crate::catalog::discover::Outline;
use crate::command::Failure;
use crate::command::app::{App, Opened};
use crate::command::pristine::{meant, pristine};
use crate::command::throwaway::{Purpose, Throwaway};
use crate::command::trouble::up_to_judge;
use crate::command::verify::{fresh_seed, round};
use crate::docker::DockerEngine;
use crate::lab::report::LabReport;
use crate::lab::view::CellRow;
use crate::workspace::tree::ignored;

/// An environment of its own, which never touches the learner's.
pub(super) struct Room<'a> {
    app: &'a App,
    engine: &'a DockerEngine,
    inner: Throwaway,
}

impl<'a> Room<'a> {
    /// Makes a workspace and takes an instance's name; nothing runs yet.
    ///
    /// # Errors
    /// The lab has mistakes, or no folder can be made.
    pub fn new(app: &'a App, engine: &'a DockerEngine, outline: &Outline) -> Result<Self, Failure> {
        Ok(Self { app, engine, inner: Throwaway::new(app, outline, Purpose::Prove)? })
    }

    /// The lab with the room's places.
    pub fn opened(&self) -> &Opened {
        &self.inner.opened
    }

    /// Judges one variant.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn cell(&self, variant: &Variant, number: usize) -> Result<(CellRow, LabReport), Failure> {
        let began = Instant::now();
        let seed = fresh_seed();
        let (app, opened) = (self.app, &self.inner.opened);
        variant.files.materialise(&opened.workspace, &ignored(&opened.lab.workspace_ignore))?;
        // Data of one variant must not help or hurt the next.
        pristine(app, opened, self.engine, &meant(opened, &[])).await?;
        let mut up = up_to_judge(app, opened, self.engine).await?;
        let asked = variant.asked(number);
        let report = round(app, opened, &mut up, &asked, &BTreeSet::new(), seed, None).await?;
        let row = CellRow {
            variant: variant.name.clone(),
            round: number,
            verdicts: report.goals.iter().map(|goal| (goal.goal.to_string(), goal.verdict.word().to_owned())).collect(),
            wrong: wrongs(&variant.must, &asked, &report),
            seed,
            took: began.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        };
        Ok((row, report))
    }

    /// Removes the environment; returns the names of what is on the engine all the same.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn close(self) -> Result<Vec<String>, Failure> {
        let left = self.inner.close(self.app, self.engine).await?;
        let containers = left.containers.iter().map(|one| one.name.clone());
        Ok(containers.chain(left.networks.iter().chain(&left.volumes).map(|one| one.name.clone())).collect())
    }
}
