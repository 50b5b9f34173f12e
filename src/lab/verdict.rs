//! The five states of a judged goal, and how they combine.

use std::fmt;

/// What became of a goal or a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename_all = "lowercase"))]
pub enum Verdict {
    Passed,
    Failed,
    /// A required goal did not pass, so this one was not judged.
    Blocked,
    /// Could not be judged; the machine's fault, never counted against the learner.
    Undecided,
    /// The lab's own fault.
    Defect,
}

impl Verdict {
    /// The word used in output, records and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Blocked => "blocked",
            Verdict::Undecided => "undecided",
            Verdict::Defect => "defect",
        }
    }

    /// The inverse of [`Verdict::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Verdict::Passed, Verdict::Failed, Verdict::Blocked, Verdict::Undecided, Verdict::Defect]
            .into_iter()
            .find(|verdict| verdict.word() == word)
    }

    fn weight(self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Undecided => 1,
            Verdict::Blocked => 2,
            Verdict::Failed => 3,
            Verdict::Defect => 4,
        }
    }

    /// The worse of two: defect, failed, blocked, undecided, passed.
    pub fn worst(self, other: Verdict) -> Verdict {
        if other.weight() > self.weight() { other } else { self }
    }
}

impl serde::Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_takes_the_worst_of_its_checks() {
        use Verdict::*;
        let worst = |verdicts: &[Verdict]| verdicts.iter().copied().fold(Passed, Verdict::worst);
        assert_eq!(worst(&[Passed, Undecided]), Undecided);
        assert_eq!(worst(&[Undecided, Failed]), Failed);
        assert_eq!(worst(&[Failed, Defect, Passed]), Defect);
        assert_eq!(worst(&[]), Passed);
    }

    #[test]
    fn words_read_back() {
        assert_eq!(Verdict::from_word("undecided"), Some(Verdict::Undecided));
        assert_eq!(Verdict::from_word("skipped"), None);
    }
}
