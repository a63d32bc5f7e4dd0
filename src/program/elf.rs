//! ELF files (elf(5)): what they import, which libraries they name, and where these are looked for.
//!
//! The file may be anything: the crate checks every offset against the file's end, and what is collected is bounded.

use std::collections::BTreeSet;

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, Sym as _};
use object::{Endianness, FileKind};

/// As many names are taken from one file; the largest programs of Debian 12 import some 3000.
const MOST_NAMES: usize = 1 << 16;
/// The longest name that counts, in bytes; mangled ones are longer, and no hint asks for them.
const LONGEST: usize = 256;

/// What an ELF file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elf {
    /// Functions and variables that it takes from others (undefined symbols of `.dynsym`).
    pub(crate) imports: BTreeSet<String>,
    /// The libraries that it names (`DT_NEEDED`), in its order.
    pub(crate) needed: Vec<String>,
    /// Where they are looked for first (`DT_RUNPATH`, or else `DT_RPATH`), as written.
    pub(crate) run_paths: Vec<String>,
}

impl Elf {
    /// Reads a file; the reason where it is ELF and broken, and nothing where it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Result<Self, String>> {
        let read = match FileKind::parse(bytes).ok()? {
            FileKind::Elf32 => read::<FileHeader32<Endianness>>(bytes),
            FileKind::Elf64 => read::<FileHeader64<Endianness>>(bytes),
            _ => return None,
        };
        Some(read.map_err(|error| error.to_string()))
    }
}

fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::Result<Elf> {
    let header = H::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let mut found = Elf::default();
    let symbols = sections.symbols(endian, bytes, elf::SHT_DYNSYM)?;
    for symbol in symbols.iter().filter(|symbol| symbol.is_undefined(endian)) {
        if found.imports.len() >= MOST_NAMES {
            break;
        }
        // A symbol without a readable name is none that anybody asks for.
        found.imports.extend(symbol.name(endian, symbols.strings()).ok().and_then(name));
    }
    let dynamic = sections.dynamic_table(endian, bytes)?;
    let (mut run, mut old) = (Vec::new(), Vec::new());
    for entry in dynamic.iter().take(MOST_NAMES) {
        let list = match entry.tag {
            elf::DT_NEEDED => &mut found.needed,
            elf::DT_RUNPATH => &mut run,
            elf::DT_RPATH => &mut old,
            _ => continue,
        };
        list.extend(dynamic.string(entry).ok().and_then(name));
    }
    // ld.so(8): DT_RPATH counts only where there is no DT_RUNPATH.
    let lists = if run.is_empty() { old } else { run };
    found.run_paths = lists.iter().flat_map(|list| list.split(':')).map(str::to_owned).collect();
    Ok(found)
}

fn name(bytes: &[u8]) -> Option<String> {
    let fits = !bytes.is_empty() && bytes.len() <= LONGEST && bytes.iter().all(u8::is_ascii_graphic);
    fits.then(|| String::from_utf8_lossy(bytes).into_owned())
}
