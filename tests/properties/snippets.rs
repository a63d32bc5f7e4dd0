//! Snippets of sysusers.d and tmpfiles.d: each line is taken over into the manifest, or told as left.

use systemd_harden::import::hints::Looked;
use systemd_harden::import::{Snippet, Subject};
use systemd_harden::manifest::Scope;
use systemd_harden::unit_file::UnitText;

use super::import::comes_back;
use super::input::{Choices, cases, parts, unit_text};

/// A service that has a user, a group and directories of its own.
const SERVICE: &str =
    "[Service]\nExecStart=/usr/bin/a\nUser=a\nGroup=b\nStateDirectory=a\nStateDirectoryMode=0750\n";

/// A text of tmpfiles.d and one of sysusers.d.
pub fn holds(data: &[u8]) {
    let (choices, data) = Choices::take(data);
    let texts: Vec<String> =
        parts(data).iter().map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect();
    let snippet = |place: usize, kind: &str| {
        let text = texts.get(place).cloned().unwrap_or_default();
        vec![Snippet { path: format!("/usr/lib/{kind}.d/a.conf"), text }]
    };
    let service: UnitText = unit_text("a.service", SERVICE.as_bytes(), &[]).expect("a plain service");
    let (files, users) = (snippet(0, "tmpfiles"), snippet(1, "sysusers"));
    let lines: Vec<String> =
        texts.first().into_iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    let subject = Subject {
        service,
        sockets: Vec::new(),
        timers: Vec::new(),
        users,
        files,
        scope: Scope::System,
        looked: Looked::default(),
    };
    let Some(imported) = comes_back(&subject, &choices.target()) else {
        panic!("no line of a snippet makes a service one that cannot be imported")
    };
    // A directory of somebody else is not taken for granted.
    for line in lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| line.starts_with(['L', 'x', 'r', 'R', 'D', 'w', 'a']))
    {
        assert!(imported.left.iter().any(|left| left.contains(line)), "{line:?} is neither said nor left");
    }
}

/// The snippets of the cases and the shipped ones, and lines of the manual pages' kinds.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (path, text) in cases(&["tests/cases", "units"], &[".tmpfiles", "tmpfiles.d/a.conf"]) {
        let mut seed = text;
        if let Ok(users) = std::fs::read(path.with_extension("sysusers")) {
            seed.extend(b"\n--- sysusers\n");
            seed.extend(users);
        }
        seeds.push(seed);
    }
    let lines = "d /var/lib/a 0750 a b - -\nd /var/lib/a/x :0700 :a :b -\nz /etc/a 0640 root b\nf /run/a.pid 0644 a a - -\n\
                 L+ /etc/x - - - - /usr/x\nD! /tmp/x 1777 root root 10d\nC /etc/y - - - - /usr/y\nw /sys/x - - - - 1\n\
                 d \"/srv/with blank\" 0755\nd /srv/%i 0755\nd /var/run/a 0755 c c\n";
    let users = "u a 450 \"The A, all of it\" /var/lib/a /bin/sh\nu! c - \"C\"\ng b 451\nm a b\nr - 500-900\nu d 460:b - /\n";
    seeds.push(format!("{lines}--- sysusers\n{users}").into_bytes());
    seeds
}
