//! Trees of `--root`: whatever lies in one, the program ends with a status, reads and writes nothing outside, and
//! prints what a terminal bears.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser as _;
use systemd_harden::cli::Cli;
use systemd_harden::commands;
use systemd_harden::status::Status;

use super::input::{Choices, cases};
use super::output;

/// What stands outside of the tree, and must neither be read nor written.
const CANARY: &str = "kept-outside-of-every-tree";

/// A tree, of which each line says a thing: `PATH/` a directory, `PATH -> TARGET` a link, `PATH |` a FIFO, `PATH: TEXT`
/// a file, in which `;` ends a line and `\` and two digits of base sixteen are a byte.
pub fn holds(data: &[u8]) {
    let (choices, data) = Choices::take(data);
    let Some(place) = Scratch::new() else { return };
    let root = place.0.join("root");
    let outside = place.0.join("outside");
    fs::create_dir_all(&root).expect("a directory of its own");
    let unit = format!("[Service]\nExecStart=/bin/{CANARY}\n");
    fs::write(&outside, &unit).expect("a file of its own");
    for line in String::from_utf8_lossy(data).lines().take(64) {
        make(&root, &outside, line);
    }
    let at = root.to_str().expect("a plain path");
    run(&["score", "--root", at]);
    run(&["score", "--root", at, "--format", "json"]);
    run(&["score", "--root", at, "--format", "json", "a", "b@x", "/etc/systemd/system/a.service"]);
    run(&["score", "--root", at, "--suggest", "a"]);
    run(&["import", "--root", at, "a"]);
    if choices.has("generate") {
        let manifest = place.0.join("m.toml");
        fs::write(&manifest, MANIFEST).expect("a file of its own");
        let manifest = manifest.to_str().expect("a plain path");
        run(&["generate", "--root", at, "--check", manifest]);
        run(&["generate", "--root", at, manifest]);
    }
    assert_eq!(
        fs::read_to_string(&outside).ok().as_deref(),
        Some(unit.as_str()),
        "written outside of the tree"
    );
    let left: Vec<_> =
        fs::read_dir(&place.0).expect("the directory").flatten().map(|entry| entry.file_name()).collect();
    let known = ["root", "outside", "m.toml"];
    assert!(left.iter().all(|name| known.iter().any(|known| name == known)), "{left:?}");
}

const MANIFEST: &str = "edition = 1\n[users.a]\n[service]\nname = \"a\"\nexec = [\"/usr/bin/a\"]\n\
                        [directories]\nstate = { below = { x = \"0700\" } }\n[paths.\"/etc/a.conf\"]\nenforce = \"boot\"\n";

/// Runs the program: it ends, and what it prints is fit for a terminal and of this tree.
pub(super) fn run(arguments: &[&str]) {
    let cli =
        Cli::try_parse_from(std::iter::once(&"systemd-harden").chain(arguments)).expect("a command line");
    let mut out = Vec::new();
    match commands::run(&cli, &mut out) {
        Ok(Status::Clean | Status::Findings | Status::Failed) => {}
        Err(error) => assert!(!format!("{error:#}").contains(CANARY)),
    }
    let text = String::from_utf8(out).expect("what is printed is UTF-8");
    assert!(!text.contains(CANARY), "read outside of the tree: {text}");
    output::is_plain(&text);
    if arguments.contains(&"json") {
        output::is_json(&text);
    }
}

/// Makes what a line says, inside of the root whatever it says.
fn make(root: &Path, outside: &Path, line: &str) {
    let place = |path: &str| -> Option<PathBuf> {
        let path: PathBuf =
            Path::new(path.trim()).components().filter(|part| matches!(part, Component::Normal(_))).collect();
        // A link of this tree may lead out of it, and what makes the tree must not.
        let mut above = root.to_owned();
        for part in path.parent()?.components() {
            above.push(part);
            match above.symlink_metadata() {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return None,
                Err(_) => fs::create_dir(&above).ok()?,
            }
        }
        let at = root.join(&path);
        (!path.as_os_str().is_empty() && at.symlink_metadata().is_err()).then_some(at)
    };
    // What cannot be made is not there.
    if let Some((path, target)) = line.split_once(" -> ") {
        let target = target.replace("OUTSIDE", &outside.to_string_lossy());
        let _ = place(path).map(|at| symlink(target, at));
    } else if let Some((path, text)) = line.split_once(": ") {
        let _ = place(path).map(|at| fs::write(at, bytes(text)));
    } else if let Some(path) = line.strip_suffix(" |") {
        if let Some(at) = place(path) {
            let _ = rustix::fs::mknodat(
                rustix::fs::CWD,
                at,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
                0,
            );
        }
    } else if let Some(at) = place(line) {
        let _ = if line.ends_with('/') { fs::create_dir(at) } else { fs::write(at, "") };
    }
}

fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            ';' => bytes.push(b'\n'),
            '\\' if rest.get(..2).is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok()) => {
                let (digits, after) = rest.split_at(2);
                bytes.extend(u8::from_str_radix(digits, 16));
                rest = after;
            }
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// A directory that goes with its value, in memory where the machine has such a place.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let base =
            Some(PathBuf::from("/dev/shm")).filter(|path| path.is_dir()).unwrap_or_else(std::env::temp_dir);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("systemd-harden-tree-{}-{count}", std::process::id()));
        fs::create_dir(&path).ok()?;
        Some(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is in a place for what is temporary.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Trees with links of all kinds, aliases, drop-ins, masks, and the units of the cases.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = [
        "etc/systemd/system/a.service: [Service];ExecStart=/bin/a;User=a\n\
         etc/systemd/system/a.service.d/x.conf: [Service];NoNewPrivileges=yes\n\
         etc/systemd/system/b.service -> a.service\nusr/lib/systemd/system/c.service -> /dev/null\n\
         lib -> usr/lib\nusr/lib/systemd/system/a.socket: [Socket];ListenStream=/run/a\n",
        "etc/systemd/system/a.service -> OUTSIDE\netc/systemd/system/b@.service -> ../../../../OUTSIDE\n\
         etc/systemd/system/d.service |\netc/systemd/system/e.service/\nusr/lib/systemd/system/service.d/x.conf: [Service];PrivateTmp=yes\n",
        "etc/systemd/system/a.service -> b.service\netc/systemd/system/b.service -> a.service\n\
         etc/systemd/system/a.service.d -> /etc/systemd/system/a.service.d\n",
        "etc/systemd/system/a.service: [Service];ExecStart=/bin/a \\1b[2J\\ff;Description=\\e2\\80\\ae\n",
        "#: generate\nusr/lib -> OUTSIDE\nusr/lib/sysusers.d -> /..\netc/passwd: root:x:0:0::/root:/bin/sh;a:x:5:5::/:/x;\n\
         usr/lib/systemd-harden/a.toml: edition = 1;[users.a];[service];name = 'a';exec = ['/usr/bin/a'];[paths.'/etc/x'];mode = '0600'\n\
         etc/x: 1\nusr/bin/a: x\netc/group: a:x:5:\netc/systemd/system/a.service: [Service];ExecStart=/usr/bin/a\n",
        "usr/lib/sysusers.d/a.conf: u a - 'A' /\nusr/lib/tmpfiles.d/a.conf: d /var/lib/a 0750 a a;L /x - - - - y\n\
         etc/systemd/system/a.service: [Service];ExecStart=/usr/bin/a;User=a;StateDirectory=a\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    for (_, text) in cases(&["units"], &[".service"]) {
        let text = String::from_utf8_lossy(&text).replace('\n', ";");
        seeds.push(format!("usr/lib/systemd/system/a.service: {text}\n").into_bytes());
    }
    seeds
}
