//! What is wrong with a manifest, each with its place, and how it is told.

use std::fmt;

use super::document::Place;
use super::words::quoted;
use crate::visible::shown;

/// Why a manifest cannot be used: everything that was found, at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// In the order of their places.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, or that deserves notice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// The key that it is about.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// The other place of a contradiction, and what stands there.
    pub also: Option<(Place, String)>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at `place`.
    pub(crate) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), key: None, message: message.into(), also: None, help: None }
    }

    /// About `key`.
    pub(crate) fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Contradicting what stands at `place`.
    pub(crate) fn also(self, place: &Place, note: impl Into<String>) -> Self {
        Self { also: Some((place.clone(), note.into())), ..self }
    }

    /// With advice.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Problem {
    /// ``FILE:LINE:COLUMN: message (`key`); help``, and the other place on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, shown(&self.message))?;
        if let Some(key) = self.key.as_deref().map(quoted).filter(|key| !self.message.contains(key.as_str()))
        {
            write!(f, " ({key})")?;
        }
        if let Some(help) = &self.help {
            write!(f, "; {}", shown(help))?;
        }
        if let Some((place, note)) = &self.also {
            write!(f, "\n  {place}: {}", shown(note))?;
        }
        Ok(())
    }
}

impl ManifestError {
    /// Sorted by place, each problem once.
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_unstable();
        problems.dedup();
        Self { problems }
    }
}

impl fmt::Display for ManifestError {
    /// One problem after the other, each on lines of its own; of very many, the first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 50;
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more problems"),
        }
    }
}

impl std::error::Error for ManifestError {}
