//! Rules over keys, one group of files after the other.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cap_std::fs::MetadataExt as _;

use super::{Read, at, read, unread, unreadable};
use crate::finding::Finding;
use crate::manifest::words::{AbsolutePath, FileKey, FileValue, quoted};
use crate::manifest::{Contents, FileFormat, KeyOf, KeyRule, Limit, Manifest};
use crate::settings::Setting;
use crate::unit_file::{Links, Root};

/// How many findings of one kind are told of one group of files.
const MOST: usize = 50;

/// What the files of `manifest` below `root` say against its `[contents]`.
pub fn contents(manifest: &Manifest, root: &Root) -> Vec<Finding> {
    manifest.contents.values().flat_map(|contents| Group::read(contents, root).judge()).collect()
}

/// A setting and the file that it is in.
type Found<'g> = (&'g AbsolutePath, &'g Setting);

/// Files that are judged as one.
struct Group<'c> {
    contents: &'c Contents,
    format: FileFormat,
    root: &'c Root,
    files: Vec<(&'c AbsolutePath, Vec<Setting>)>,
    /// Whether something could not be read, so that a key that was not seen may be there.
    unread: Vec<Finding>,
}

impl<'c> Group<'c> {
    fn read(contents: &'c Contents, root: &'c Root) -> Self {
        let format = contents.format.unwrap_or(FileFormat::Keys);
        let mut group = Self { contents, format, root, files: Vec::new(), unread: Vec::new() };
        for path in &contents.files {
            let read = read(root, path.as_str(), format);
            group.unread.extend(unread(&read, path.as_str(), format, &contents.place));
            if let Read::Settings(settings) = read {
                group.files.push((path, settings));
            }
        }
        group
    }

    fn judge(&self) -> Vec<Finding> {
        let mut findings = self.unread.clone();
        findings.extend(self.unknown().into_iter().take(MOST));
        findings.extend(self.placeholders().into_iter().take(MOST));
        for (key, rule) in &self.contents.keys {
            findings.extend(self.key(key, rule));
        }
        findings
    }

    fn settings(&self) -> impl Iterator<Item = Found<'_>> {
        self.files.iter().flat_map(|(path, settings)| settings.iter().map(|setting| (*path, setting)))
    }

    /// Keys that nobody knows: most likely mistyped.
    fn unknown(&self) -> Vec<Finding> {
        if self.contents.known.is_empty() {
            return Vec::new();
        }
        let is_known = |key: &str| {
            self.contents.known.iter().any(|known| known.matches(key))
                || self.contents.keys.keys().any(|known| known.as_str() == key)
        };
        let mut findings = Vec::new();
        for (path, setting) in self.settings() {
            let key = setting.key();
            if is_known(&key) {
                continue;
            }
            // What is no name at all may be a secret that slipped into the place of one.
            let named = key.len() <= 64
                && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
            let what = if named { quoted(&key) } else { "a key that is no name".to_owned() };
            let text = format!("{what}{} is no key of this file: correct or remove it", line(setting));
            let finding = Finding::new("content.unknown-key", text);
            findings.push(at(finding, &self.contents.place).of(path.as_str()));
        }
        findings
    }

    /// Texts of documents that stand for what must be put in their place.
    fn placeholders(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, setting) in self.settings() {
            for (text, because) in &self.contents.never {
                if setting.value.contains(text.as_str()) {
                    let message = format!(
                        "the value{} still holds {}: {because}",
                        line(setting),
                        quoted(text.as_str())
                    );
                    let finding = Finding::new("content.placeholder", message);
                    findings.push(at(finding, &self.contents.place).of(subject(path, &setting.key())));
                }
            }
        }
        findings
    }

    fn key(&self, key: &FileKey, rule: &KeyRule) -> Vec<Finding> {
        let mut found: Vec<Found<'_>> =
            self.settings().filter(|(_, setting)| setting.key() == key.as_str()).collect();
        if self.format == FileFormat::Env {
            // The last one is the one that the service gets.
            found.drain(..found.len().saturating_sub(1));
        }
        let asked: Vec<Found<'_>> =
            found.iter().copied().filter(|(path, setting)| self.counts(path, setting, rule)).collect();
        if found.is_empty() {
            return self.missing(key, rule).into_iter().collect();
        }
        let mut findings = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (path, setting) in asked {
            let told = |id: &'static str, text: String| {
                let text = format!("{text}{}: {}", line(setting), rule.because);
                let finding = Finding { severity: rule.severity, ..Finding::new(id, text) };
                at(finding, &rule.place).of(subject(path, key.as_str()))
            };
            if rule.absent {
                findings.push(told("content.value", "must not be set here".to_owned()));
                continue;
            }
            if matches!(self.format, FileFormat::Ini | FileFormat::Keys) && !seen.insert(path.as_str()) {
                findings.push(told("content.duplicate-key", "is set twice in one file".to_owned()));
            }
            findings.extend(self.breach(rule, &setting.value).map(|text| told("content.value", text)));
            if rule.secret {
                findings.extend(self.exposed(path, key, rule));
            }
            findings.extend(self.unknown_limits(rule).map(|text| {
                at(Finding::notice("content.not-known", text), &rule.place).of(subject(path, key.as_str()))
            }));
        }
        findings
    }

    /// A key that must be there, and is not.
    fn missing(&self, key: &FileKey, rule: &KeyRule) -> Option<Finding> {
        // Where a file could not be read, that is told already.
        if !rule.required || !self.unread.is_empty() || !self.applies(&rule.when) {
            return None;
        }
        let path = self.contents.files.last()?;
        let text = format!("is not set: {}", rule.because);
        let finding = Finding { severity: rule.severity, ..Finding::new("content.missing-key", text) };
        Some(at(finding, &rule.place).of(subject(path, key.as_str())))
    }

    /// Whether the conditions hold anywhere.
    fn applies(&self, when: &BTreeMap<FileKey, FileValue>) -> bool {
        when.iter().all(|(key, value)| {
            self.settings()
                .any(|(_, setting)| setting.key() == key.as_str() && setting.value == value.as_str())
        })
    }

    /// Whether the conditions of `rule` hold for `setting`: of keys in the same array, those of the same element count.
    fn counts(&self, path: &AbsolutePath, setting: &Setting, rule: &KeyRule) -> bool {
        rule.when.iter().all(|(key, value)| {
            self.settings().any(|(other, condition)| {
                other == path
                    && condition.key() == key.as_str()
                    && condition.is_beside(setting)
                    && condition.value == value.as_str()
            })
        })
    }

    /// The first thing that is wrong with a value.
    fn breach(&self, rule: &KeyRule, value: &str) -> Option<String> {
        if let Some(is) = rule.is.as_ref().filter(|is| is.as_str() != value) {
            return Some(format!("is not {}", quoted(is.as_str())));
        }
        if !rule.one_of.is_empty() && rule.one_of.iter().all(|one| one.as_str() != value) {
            let all: Vec<String> = rule.one_of.iter().map(|one| quoted(one.as_str())).collect();
            return Some(format!("is none of {}", all.join(", ")));
        }
        if let Some(not) = rule.not.iter().find(|not| not.as_str() == value) {
            return Some(format!("must not be {}", quoted(not.as_str())));
        }
        if let Some(text) = rule.without.iter().find(|text| value.contains(text.as_str())) {
            return Some(format!("must not hold {}", quoted(text.as_str())));
        }
        if let Some(least) = rule.min_length.filter(|least| value.chars().count() < *least as usize) {
            return Some(format!("has fewer than {least} characters"));
        }
        self.out_of_bounds(rule, value)
    }

    fn out_of_bounds(&self, rule: &KeyRule, value: &str) -> Option<String> {
        if rule.at_most.is_none() && rule.at_least.is_none() {
            return None;
        }
        let Ok(number) = value.trim().parse::<u64>() else { return Some("is no number".to_owned()) };
        let bounds = [(&rule.at_most, Ordering::Greater), (&rule.at_least, Ordering::Less)];
        bounds.into_iter().find_map(|(limit, beyond)| {
            let limit = limit.as_ref()?;
            let bound = self.bound(limit).ok()??;
            let side = if beyond == Ordering::Greater { "above" } else { "below" };
            (number.cmp(&bound) == beyond).then(|| match limit {
                Limit::Number(bound) => format!("is {side} {bound}"),
                Limit::Key(of) => format!("is {side} {}", named(of)),
            })
        })
    }

    /// The number that a limit is; none where the file does not say.
    fn bound(&self, limit: &Limit) -> Result<Option<u64>, String> {
        let of = match limit {
            Limit::Number(number) => return Ok(Some(*number)),
            Limit::Key(of) => of,
        };
        match read(self.root, of.file.as_str(), of.format.unwrap_or(FileFormat::Keys)) {
            Read::Settings(settings) => {
                let last = settings.iter().rev().find(|setting| setting.key() == of.key.as_str());
                Ok(last.and_then(|setting| setting.value.trim().parse().ok()))
            }
            Read::Missing => Ok(None),
            Read::Malformed(malformed) => Err(malformed.why.to_owned()),
            Read::Unreadable(error) => Err(unreadable(&error)),
        }
    }

    /// Limits that cannot be told.
    fn unknown_limits<'r>(&self, rule: &'r KeyRule) -> impl Iterator<Item = String> + use<'_, 'r, 'c> {
        [&rule.at_most, &rule.at_least].into_iter().flatten().filter_map(|limit| {
            let Limit::Key(of) = limit else { return None };
            match self.bound(limit) {
                Ok(Some(_)) => None,
                Ok(None) => Some(format!("its limit is not known: {} is no number that is set", named(of))),
                Err(why) => Some(format!("its limit is not known: {}: {why}", named(of))),
            }
        })
    }

    /// Whether others than the owner and the group have access to a file with a secret.
    fn exposed(&self, path: &AbsolutePath, key: &FileKey, rule: &KeyRule) -> Option<Finding> {
        const OTHERS: u32 = 0o007;
        let found = self.root.metadata(Path::new(path.as_str()), Links::Follow);
        let finding = match found {
            Ok(Some(found)) if found.mode() & OTHERS != 0 => {
                let mode = found.mode() & 0o7777;
                let text = format!(
                    "is a secret, and everybody has access to the file (mode {mode:04o}): {}; `chmod o=`",
                    rule.because
                );
                Finding { severity: rule.severity, ..Finding::new("content.exposed", text) }
            }
            Ok(_) => return None,
            Err(error) => Finding::notice("content.not-known", unreadable(&error)),
        };
        Some(at(finding, &rule.place).of(subject(path, key.as_str())))
    }
}

fn named(of: &KeyOf) -> String {
    quoted(&format!("{}: {}", of.file, of.key))
}

fn subject(path: &AbsolutePath, key: &str) -> String {
    format!("{path}: {key}")
}

/// Where in its file a setting stands.
fn line(setting: &Setting) -> String {
    setting.line.map_or_else(String::new, |line| format!(" (line {line})"))
}
