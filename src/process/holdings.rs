//! What a process holds: open files (/proc/PID/fd and fdinfo), mapped ones (/proc/PID/maps), its root and its directory.
//!
//! Links of the kernel's are read and never followed; of what they name, nothing is opened.

use std::collections::BTreeSet;

use cap_std::fs::Dir;

use super::{Fact, link, text};

/// As many descriptors of a process are looked at.
const MOST_DESCRIPTORS: usize = 1 << 14;

/// What a process held at one moment. Its owner and root may see it (proc(5): PTRACE_MODE_READ).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// What its descriptors are of.
    pub open: Fact<Vec<Open>>,
    /// Its memory.
    pub memory: Fact<Memory>,
    /// What `/` is for it, as the reader sees it.
    pub root: Fact<String>,
    /// Its working directory, as the reader sees it.
    pub directory: Fact<String>,
    /// The process that started it, or took it over.
    pub parent: u32,
}

/// One open file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Open {
    /// A path, or what the kernel calls it otherwise: `socket:[4711]`, `anon_inode:bpf-prog`.
    pub target: String,
    /// Whether it can be read.
    pub reads: bool,
    /// Whether it can be written.
    pub writes: bool,
}

/// The mapped memory of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What is mapped writable and executable at once: a path, a name in brackets, or empty for memory of no file.
    pub writable_code: BTreeSet<String>,
    /// The files of which something is mapped executable.
    pub code: BTreeSet<String>,
}

impl Holdings {
    pub(super) fn read(dir: &Dir) -> Option<Self> {
        let Fact::Known(stat) = text(dir, "stat") else { return None };
        let parent = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(Self {
            open: descriptors(dir),
            memory: text(dir, "maps").map(|text| Memory::parse(&text)),
            root: link(dir, "root"),
            directory: link(dir, "cwd"),
            parent,
        })
    }
}

/// `O_ACCMODE` and its values, the same on every architecture (include/uapi/asm-generic/fcntl.h).
const ACCESS: u32 = 0o3;
const WRITE_ONLY: u32 = 0o1;
const READ_WRITE: u32 = 0o2;

fn descriptors(dir: &Dir) -> Fact<Vec<Open>> {
    let entries = Fact::of(dir.open_dir("fd").and_then(|fd| Ok((fd.entries()?, fd))));
    entries.map(|(entries, fd)| {
        let numbers = entries.flatten().map(|entry| entry.file_name()).take(MOST_DESCRIPTORS);
        let open = |number: std::ffi::OsString| {
            let target = fd.read_link_contents(&number).ok()?.to_string_lossy().into_owned();
            let Fact::Known(info) = text(dir, &format!("fdinfo/{}", number.to_string_lossy())) else {
                return None;
            };
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
            let access = u32::from_str_radix(flags, 8).ok()? & ACCESS;
            Some(Open {
                target,
                reads: access != WRITE_ONLY,
                writes: access == WRITE_ONLY || access == READ_WRITE,
            })
        };
        let mut open: Vec<Open> = numbers.filter_map(open).collect();
        open.sort_unstable();
        open.dedup();
        open
    })
}

impl Memory {
    /// `55d0c0000000-55d0c0001000 r-xp 00000000 fe:00 1234   /usr/sbin/nginx`; a path may hold blanks.
    fn parse(text: &str) -> Self {
        let mut memory = Self::default();
        for line in text.lines() {
            let mut fields = line.splitn(6, ' ');
            let permissions = fields.nth(1).unwrap_or_default();
            if !permissions.contains('x') {
                continue;
            }
            let name = fields.nth(3).unwrap_or_default().trim_start();
            let name = name.strip_suffix(" (deleted)").unwrap_or(name);
            if permissions.contains('w') {
                memory.writable_code.insert(name.to_owned());
            }
            if name.starts_with('/') {
                memory.code.insert(name.to_owned());
            }
        }
        memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_written_and_run_is_told_from_other_memory() {
        let text = "55d0-55d1 r-xp 00000000 fe:00 12                 /usr/sbin/a b\n\
            7f00-7f01 rwxp 00000000 00:00 0 \n7f02-7f03 rwxs 00000000 00:01 9   /memfd:jit (deleted)\n\
            7f04-7f05 rw-p 00000000 fe:00 13   /usr/lib/x.so\n7f06-7f07 rwxp 00000000 00:00 0    [stack]\nx\n";
        let memory = Memory::parse(text);
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(memory.writable_code, set(&["", "/memfd:jit", "[stack]"]));
        assert_eq!(memory.code, set(&["/memfd:jit", "/usr/sbin/a b"]));
    }
}
