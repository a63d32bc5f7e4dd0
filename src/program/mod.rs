//! What the file of a program shows of what the program does: the functions that it imports and the libraries that it
//! names, texts within it, of a script its words and its interpreter, set-id bits and file capabilities.
//!
//! Answers what stands in the file, and of what could not be looked at why. What any of it means for confinement is
//! `import`'s. Files are hostile: each is read up to a bound, what they lead to is followed up to a depth.

mod elf;
mod libraries;
mod script;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cap_std::fs::MetadataExt as _;

pub(crate) use elf::Elf;
use libraries::Shared;
pub(crate) use script::Script;

use crate::gather::Gather as _;
use crate::unit_file::{Links, Root};

/// The largest file that is read, in bytes: programs of Go and Rust are some tens of MiB.
const LARGEST: u64 = 128 << 20;
/// The largest library of many programs that is read: of those the libraries that they name are all that is asked.
const LARGEST_SHARED: u64 = 16 << 20;
/// As many libraries are looked at for one program.
const MOST_LIBRARIES: usize = 256;
/// As deep libraries of libraries are followed.
const DEEPEST: u32 = 8;
/// As many interpreters of interpreters are followed; the kernel follows four (`BINPRM` of fs/exec.c).
const MOST_INTERPRETERS: u32 = 4;

/// A program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// The file, as seen inside the root and without links.
    pub(crate) path: String,
    /// Functions that it or a library of its own imports, each with the file that does.
    pub(crate) imports: BTreeMap<String, String>,
    /// Libraries that it names itself or through others, each with the file that names it first.
    pub(crate) libraries: BTreeMap<String, String>,
    /// Texts of those asked for that stand in it or in a library of its own, each with the file.
    pub(crate) texts: BTreeMap<&'static str, String>,
    /// What it is as a script.
    pub(crate) script: Option<Script>,
    /// The file of the interpreter that runs it.
    pub(crate) interpreter: Option<String>,
    /// Whether it runs as its owner or its group.
    pub(crate) is_set_id: bool,
    /// Capabilities that its file gives (capabilities(7)), as bits.
    pub(crate) capabilities: u64,
}

/// Reads programs of a tree, each file once.
pub(crate) struct Programs<'r> {
    root: &'r Root,
    shared: Shared,
    /// The folders in which those without a path are looked for.
    searched: Vec<&'r str>,
    /// The texts that are looked for.
    texts: &'r [&'static str],
    files: RefCell<BTreeMap<(PathBuf, Part), Rc<File>>>,
}

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The program's: all of it is asked for.
    Own,
    /// Of many programs: the libraries that it names are.
    Shared,
}

/// What was read of one file.
struct File {
    content: Content,
    texts: BTreeSet<&'static str>,
}

enum Content {
    Elf(Elf),
    Script(Script),
    /// Neither, or not readable, and why.
    Unknown(String),
}

impl<'r> Programs<'r> {
    /// Programs below a root, in which these texts are looked for; those without a path are in one of the folders
    /// `searched`.
    pub(crate) fn new(root: &'r Root, searched: Vec<&'r str>, texts: &'r [&'static str]) -> Self {
        Self { root, shared: Shared::of(root), searched, texts, files: RefCell::default() }
    }

    /// What a program shows; why it shows nothing.
    pub(crate) fn look(&self, name: &str) -> Result<Program, String> {
        let path = self.find(name).ok_or_else(|| format!("`{name}` is not there"))?;
        let file = self.file(&path, Part::Own);
        let mut program = Program { path: path.to_string_lossy().into_owned(), ..Program::default() };
        self.privileges(&path, &mut program);
        match &file.content {
            Content::Unknown(why) => return Err(format!("`{}`: {why}", program.path)),
            Content::Script(script) => {
                program.script = Some(script.clone());
                program.interpreter = self.interpreter(script);
            }
            Content::Elf(elf) => self.follow(&path, elf, &mut program),
        }
        for text in &file.texts {
            program.texts.entry(text).or_insert_with(|| program.path.clone());
        }
        Ok(program)
    }

    /// The file of a name or path, without links.
    fn find(&self, name: &str) -> Option<PathBuf> {
        let plain = |path: PathBuf| {
            let plain = self.root.resolve(&path, Links::Follow).ok()?;
            self.root.metadata(&plain, Links::Keep).ok()??.is_file().then_some(plain)
        };
        if name.starts_with('/') {
            return plain(PathBuf::from(name));
        }
        if name.is_empty() || name.contains('/') {
            return None;
        }
        self.searched.iter().find_map(|folder| plain(Path::new(folder).join(name)))
    }

    /// The program at the end of a chain of interpreters.
    fn interpreter(&self, script: &Script) -> Option<String> {
        let mut path = self.find(&script.interpreter)?;
        for _ in 0..MOST_INTERPRETERS {
            let file = self.file(&path, Part::Own);
            let Content::Script(script) = &file.content else { break };
            path = self.find(&script.interpreter)?;
        }
        Some(path.to_string_lossy().into_owned())
    }

    /// Set-id bits and file capabilities.
    fn privileges(&self, path: &Path, program: &mut Program) {
        const SET_ID: u32 = 0o6000;
        let metadata = self.root.metadata(path, Links::Keep).ok().flatten();
        program.is_set_id = metadata.is_some_and(|found| found.mode() & SET_ID != 0);
        let value = self.root.attribute(path, "security.capability").ok().flatten();
        program.capabilities = value.and_then(|value| file_capabilities(&value)).unwrap_or(0);
    }

    /// Takes what a program imports and names, and what libraries of its own do.
    fn follow(&self, path: &Path, elf: &Elf, program: &mut Program) {
        let of = path.to_string_lossy().into_owned();
        program.imports.extend(elf.imports.iter().map(|name| (name.clone(), of.clone())));
        let mut seen: BTreeSet<PathBuf> = BTreeSet::from([path.to_owned()]);
        let mut pending: Vec<(PathBuf, Elf, bool, u32)> = vec![(path.to_owned(), elf.clone(), true, 0)];
        while let Some((of, elf, is_own, depth)) = pending.pop() {
            let by = of.to_string_lossy().into_owned();
            for name in &elf.needed {
                program.libraries.entry(name.clone()).or_insert_with(|| by.clone());
                let found = self.shared.find(self.root, &elf, &of, name);
                let Some(found) = found.filter(|found| !seen.contains(&found.path)) else { continue };
                if seen.len() > MOST_LIBRARIES || depth >= DEEPEST {
                    continue;
                }
                seen.insert(found.path.clone());
                // A private library of one that many share is a part of that one.
                let is_own = is_own && found.is_private;
                let file = self.file(&found.path, if is_own { Part::Own } else { Part::Shared });
                let Content::Elf(library) = &file.content else { continue };
                if is_own {
                    let at = found.path.to_string_lossy().into_owned();
                    for import in &library.imports {
                        program.imports.entry(import.clone()).or_insert_with(|| at.clone());
                    }
                    for text in &file.texts {
                        program.texts.entry(text).or_insert_with(|| at.clone());
                    }
                }
                pending.push((found.path, library.clone(), is_own, depth + 1));
            }
        }
    }

    fn file(&self, path: &Path, part: Part) -> Rc<File> {
        let key = (path.to_owned(), part);
        if let Some(known) = self.files.borrow().get(&key) {
            return Rc::clone(known);
        }
        let file = Rc::new(self.read(path, part));
        self.files.borrow_mut().insert(key, Rc::clone(&file));
        file
    }

    fn read(&self, path: &Path, part: Part) -> File {
        let most = if part == Part::Own { LARGEST } else { LARGEST_SHARED };
        let bytes = match self.root.read_at_most(path, most) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return File::unknown("is not there".to_owned()),
            Err(error) => return File::unknown(error.to_string()),
        };
        let content = match (Elf::parse(&bytes), Script::parse(&bytes)) {
            (Some(Ok(elf)), _) => Content::Elf(elf),
            (Some(Err(why)), _) => Content::Unknown(format!("is no whole ELF file: {why}")),
            (None, Some(script)) => Content::Script(script),
            (None, None) => Content::Unknown("is neither ELF nor a script".to_owned()),
        };
        let holds = |text: &&&'static str| {
            part == Part::Own && memchr::memmem::find(&bytes, text.as_bytes()).is_some()
        };
        File { content, texts: self.texts.iter().filter(holds).copied().gather() }
    }
}

impl File {
    fn unknown(why: String) -> Self {
        Self { content: Content::Unknown(why), texts: BTreeSet::new() }
    }
}

/// The permitted set of `security.capability` (`struct vfs_cap_data` of include/uapi/linux/capability.h, revisions 2 and
/// 3: magic and flags, then two pairs of 32 bits, all little-endian).
fn file_capabilities(value: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u32::from_le_bytes(value.get(at..at + 4)?.try_into().ok()?));
    match word(0)? >> 24 {
        1 => Some(word(4)?.into()),
        2 | 3 => Some(u64::from(word(4)?) | u64::from(word(12)?) << 32),
        _ => None,
    }
}
