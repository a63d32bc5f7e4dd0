//! Programs that `import` looks at: whatever a file is that a unit starts, and a library that it names, the program ends
//! with a status and prints what a terminal bears.

use std::fs;

use super::tree::{Scratch, run};

/// The program, which is its own library, too.
pub fn holds(data: &[u8]) {
    let Some(place) = Scratch::new() else { return };
    let root = place.0.join("root");
    for (path, content) in [
        ("etc/systemd/system/a.service", &b"[Service]\nExecStart=/usr/bin/a\n"[..]),
        ("usr/bin/a", data),
        ("usr/lib/libown.so", data),
        ("etc/ld.so.conf", b"/usr/lib\n"),
    ] {
        let at = root.join(path);
        fs::create_dir_all(at.parent().expect("a path with a directory")).expect("a directory of its own");
        fs::write(at, content).expect("a file of its own");
    }
    run(&["import", "--root", root.to_str().expect("a plain path"), "a"]);
}

/// Programs of both sizes and orders of bytes, and scripts.
pub fn seeds() -> Vec<Vec<u8>> {
    let scripts =
        ["#!/bin/sh -e\nexec chown a:a /x # not\n", "#!/usr/bin/env -S A=b a\n", "#! /usr/bin/a\n", "#!\n"];
    let programs = [(true, true), (true, false), (false, true), (false, false)];
    let mut seeds: Vec<Vec<u8>> = programs.map(|(wide, little)| elf(wide, little)).to_vec();
    seeds.extend(scripts.map(|script| script.as_bytes().to_vec()));
    seeds
}

/// A file with nothing but what is looked at (elf(5)): symbols that it takes from others, the library that it names and
/// where that lies.
pub fn elf(wide: bool, little: bool) -> Vec<u8> {
    const NAMES: &[u8] = b"\0chown\0dlopen\0libown.so\0$ORIGIN/../lib\0";
    let place = |name: &[u8]| NAMES.windows(name.len()).position(|at| at == name).expect("a name") as u64;
    let mut file = Draft { bytes: Vec::new(), wide, little };
    let header = if wide { 64 } else { 52 };
    file.bytes.resize(header, 0);
    let names = file.add(|file| file.bytes.extend(NAMES));
    let symbols = file.add(|file| {
        for name in [0, place(b"chown\0"), place(b"dlopen\0")] {
            file.of(name, 4);
            // An undefined function of everybody.
            let kind = if name == 0 { 0 } else { 0x12 };
            if wide {
                file.of(kind, 1);
                file.bytes.resize(file.bytes.len() + 19, 0);
            } else {
                file.bytes.resize(file.bytes.len() + 8, 0);
                file.of(kind, 1);
                file.bytes.resize(file.bytes.len() + 3, 0);
            }
        }
    });
    let dynamic = file.add(|file| {
        for (tag, value) in [(1, place(b"libown.so\0")), (29, place(b"$ORIGIN")), (0, 0)] {
            file.word(tag);
            file.word(value);
        }
    });
    let sections = file.bytes.len() as u64;
    // Nothing, strings, symbols, what is linked: the type, the section with the names, and the size of an entry.
    let [symbol, entry] = if wide { [24, 16] } else { [16, 8] };
    let all = [((0, 0), 0, 0, 0), (names, 3, 0, 0), (symbols, 11, 1, symbol), (dynamic, 6, 1, entry)];
    for ((at, length), kind, link, entry) in all {
        file.of(0, 4);
        file.of(kind, 4);
        file.word(0);
        file.word(0);
        file.word(at);
        file.word(length);
        file.of(link, 4);
        file.of(0, 4);
        file.word(8);
        file.word(entry);
    }
    let rest = file.bytes.split_off(header);
    file.bytes = b"\x7fELF".to_vec();
    file.bytes.extend([if wide { 2 } else { 1 }, if little { 1 } else { 2 }, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.of(3, 2);
    file.of(62, 2);
    file.of(1, 4);
    for word in [0, 0, sections] {
        file.word(word);
    }
    file.of(0, 4);
    for half in [header as u64, 0, 0, if wide { 64 } else { 40 }, all.len() as u64, 1] {
        file.of(half, 2);
    }
    file.bytes.extend(rest);
    file.bytes
}

/// A file in the making.
struct Draft {
    bytes: Vec<u8>,
    wide: bool,
    little: bool,
}

impl Draft {
    /// A number of as many bytes.
    fn of(&mut self, number: u64, length: usize) {
        if self.little {
            self.bytes.extend(&number.to_le_bytes()[..length]);
        } else {
            self.bytes.extend(&number.to_be_bytes()[8 - length..]);
        }
    }

    fn word(&mut self, number: u64) {
        self.of(number, if self.wide { 8 } else { 4 });
    }

    /// Adds a part; where it begins, and its length.
    fn add(&mut self, part: impl FnOnce(&mut Self)) -> (u64, u64) {
        let at = self.bytes.len();
        part(self);
        (at as u64, (self.bytes.len() - at) as u64)
    }
}
