//! How several files and a few choices lie in one input: a first line `#: 252 loaded socket` of choices, then texts
//! between lines `--- NAME`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use systemd_harden::context::{Context, Mode, Scope, UnitType};
use systemd_harden::release::Release;
use systemd_harden::render::NEWEST;
use systemd_harden::syscalls::Architecture;
use systemd_harden::target::Target;
use systemd_harden::unit_file::{UnitName, UnitText, parse};

/// Every choice that an input may make.
#[derive(Clone, Debug)]
pub struct Choices {
    /// The words of the first line.
    words: Vec<String>,
}

impl Choices {
    /// Takes the first line where it is one of choices.
    pub fn take(data: &[u8]) -> (Self, &[u8]) {
        let Some(rest) = data.strip_prefix(b"#:") else { return (Self { words: Vec::new() }, data) };
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let (line, rest) = rest.split_at(end);
        let line = String::from_utf8_lossy(line);
        let words = line.split_ascii_whitespace().map(str::to_owned).collect();
        (Self { words }, rest.strip_prefix(b"\n").unwrap_or(rest))
    }

    /// Whether a word is among them.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// The words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    fn release(&self) -> Release {
        let known = |word: &str| word.parse::<Release>().ok();
        let found = self.words().find_map(known);
        let in_range = |release: &Release| (OLDEST..=NEWEST).contains(&release.major);
        found.filter(in_range).unwrap_or(Release::latest(NEWEST))
    }

    /// The target of the release.
    pub fn target(&self) -> Target {
        let release = self.release();
        format!("systemd-{}", release.major).parse().expect("every judged release is a target")
    }

    /// The context, of a unit of that name.
    pub fn context(&self, unit: &str) -> Context {
        Context {
            release: self.release(),
            mode: if self.has("offline") { Mode::Offline } else { Mode::Loaded },
            scope: if self.has("user") { Scope::User } else { Scope::System },
            unit_type: UnitType::of(unit),
            architecture: if self.has("arm64") { Architecture::Arm64 } else { Architecture::X86_64 },
        }
    }
}

/// The oldest release that is judged.
const OLDEST: u16 = 240;

/// The texts of an input with their names; the first has none.
pub fn parts(data: &[u8]) -> Vec<(String, &[u8])> {
    const MARK: &[u8] = b"\n--- ";
    let mut parts = Vec::new();
    let mut name = String::new();
    let mut rest = data;
    loop {
        let at = rest.windows(MARK.len()).position(|window| window == MARK);
        let Some(at) = at else {
            parts.push((name, rest));
            return parts;
        };
        let (text, after) = rest.split_at(at + 1);
        parts.push((name, text));
        let after = after.get(MARK.len() - 1..).unwrap_or_default();
        let end = after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
        let (line, after) = after.split_at(end);
        name = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        rest = after.strip_prefix(b"\n").unwrap_or(after);
        if parts.len() > 16 {
            return parts;
        }
    }
}

/// A unit as the loader would make it of a fragment and its drop-ins; nothing where the fragment is refused.
pub fn unit_text(name: &str, fragment: &[u8], drop_ins: &[&[u8]]) -> Option<UnitText> {
    let id: UnitName = name.parse().expect("the properties name units that are valid");
    let path = PathBuf::from(format!("/etc/systemd/system/{name}"));
    let lines = parse(&Arc::from(path.as_path()), fragment);
    if lines.broken.is_some() {
        return None;
    }
    let mut unit = UnitText {
        names: [id.clone()].into(),
        id,
        fragment: Some(path),
        drop_ins: Vec::new(),
        assignments: lines.assignments,
        notices: lines.notices,
    };
    for (place, text) in drop_ins.iter().enumerate() {
        let path = PathBuf::from(format!("/etc/systemd/system/{name}.d/{place}.conf"));
        let lines = parse(&Arc::from(path.as_path()), text);
        unit.assignments.extend(lines.assignments);
        unit.notices.extend(lines.notices);
        unit.drop_ins.push(path);
    }
    Some(unit)
}

/// The files below folders of the project that have one of these suffixes, in the order of their paths.
pub fn cases(folders: &[&str], suffixes: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = folders.iter().map(|folder| crate_root().join(folder)).collect();
    while let Some(folder) = pending.pop() {
        let entries = fs::read_dir(&folder).expect("a folder of the project");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                pending.push(path);
            } else if suffixes.iter().any(|suffix| path.to_string_lossy().ends_with(suffix))
                && let Ok(text) = fs::read(&path)
            {
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no cases in {folders:?}");
    found
}

/// Where the project lies: the fuzz targets are a package below it.
fn crate_root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    if env!("CARGO_PKG_NAME").ends_with("-fuzz") { own.parent().unwrap_or(own) } else { own }
}

/// The lines of a text, one begun by each line break.
pub fn line_count(text: &[u8]) -> u32 {
    u32::try_from(text.split(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}
