//! Random units: lines from the catalogue's rows, their repetitions, resets and negations, and odd words.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use systemd_harden::catalogue::{self, Directive, Entry, Give, Kind, MaskGrammar, NameGrammar, TextGrammar};
use systemd_harden::release::Release;
use systemd_harden::syscalls;

use crate::figures::instance;

/// A unit: its files by their paths below `/`.
#[derive(Clone)]
pub(crate) struct Unit {
    /// The name to ask for.
    pub(crate) name: String,
    files: BTreeMap<String, String>,
}

impl Unit {
    /// The name under which systemd-analyze shows it.
    pub(crate) fn id(&self, release: Release) -> String {
        self.name.replace("@.", &format!("@{}.", instance(release)))
    }

    /// The same without one line of all files, and without the file that then is empty; nothing past the last.
    pub(crate) fn without_line(&self, line: usize) -> Option<Self> {
        let mut line = line;
        for (path, text) in &self.files {
            let mut lines: Vec<&str> = text.lines().collect();
            if line >= lines.len() {
                line -= lines.len();
                continue;
            }
            lines.remove(line);
            let mut less = self.clone();
            if lines.is_empty() {
                less.files.remove(path);
            } else {
                less.files.insert(path.clone(), lines.join("\n") + "\n");
            }
            return Some(less);
        }
        None
    }

    /// Writes its files below `root`.
    pub(crate) fn write(&self, root: &Path) -> Result<()> {
        for (path, text) in &self.files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().context("a file has a folder")?)?;
            fs::write(path, text)?;
        }
        Ok(())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, text) in &self.files {
            writeln!(f, "# {path}\n{text}")?;
        }
        Ok(())
    }
}

/// Makes units, one after the other, from a seed.
pub(crate) struct Assembly {
    chance: Chance,
    release: Release,
}

impl Assembly {
    pub(crate) fn new(seed: u64, release: Release) -> Self {
        Self { chance: Chance(seed.max(1)), release }
    }

    /// The next unit, whose name holds `number`.
    pub(crate) fn unit(&mut self, number: usize) -> Unit {
        let (suffix, section) = match self.chance.below(20) {
            0 => ("socket", "Socket"),
            1 => ("swap", "Swap"),
            2 => ("mount", "Mount"),
            _ => ("service", "Service"),
        };
        let stem = match self.chance.below(12) {
            0 => format!("u{number}@"),
            1 => format!("u{number}@x"),
            2 => format!("u-{number}"),
            _ => format!("u{number}"),
        };
        let name = match suffix {
            "swap" => format!("dev-u{number}.swap"),
            "mount" => format!("srv-u{number}.mount"),
            _ => format!("{stem}.{suffix}"),
        };
        let fragment = name.replace("@x.", "@.");
        let mut files = BTreeMap::new();
        let mut text = self.unit_section();
        text.push_str(&self.head(section, number));
        text.push_str(&self.body());
        files.insert(format!("usr/lib/systemd/system/{fragment}"), text);
        for _ in 0..self.chance.below(4).saturating_sub(1) {
            let (folder, file) = self.drop_in(&name, suffix);
            let mut text = if self.chance.one_in(4) { self.unit_section() } else { String::new() };
            writeln!(text, "[{section}]").ok();
            text.push_str(&self.functional(section));
            text.push_str(&self.body());
            files.insert(format!("{folder}/{file}"), text);
        }
        Unit { name, files }
    }

    fn drop_in(&mut self, name: &str, suffix: &str) -> (String, String) {
        let mut folders = vec![name.to_owned()];
        if let Some((prefix, _)) = name.split_once('@') {
            folders.push(format!("{prefix}@.{suffix}"));
        }
        let place = self.chance.of(&["etc/systemd/system", "usr/lib/systemd/system", "run/systemd/system"]);
        let folder = self.chance.of(&folders);
        let file = self.chance.of(&["10-a.conf", "20-b.conf", "zz.conf"]);
        (format!("{place}/{folder}.d"), file.to_owned())
    }

    fn unit_section(&mut self) -> String {
        let mut text = "[Unit]\n".to_owned();
        if self.chance.one_in(6) {
            let word = self.boolean();
            writeln!(text, "DefaultDependencies={word}").ok();
        }
        if self.chance.one_in(12) {
            let action = self.chance.of(&["none", "", "reboot", "poweroff", "exit"]);
            writeln!(text, "SuccessAction={action}").ok();
        }
        text
    }

    /// What a unit of the type cannot do without, most of the time.
    fn head(&mut self, section: &str, number: usize) -> String {
        let mut text = format!("[{section}]\n");
        match section {
            "Socket" if self.chance.one_in(8) => None,
            "Socket" => writeln!(text, "ListenStream=/run/u{number}").ok(),
            "Swap" if self.chance.one_in(8) => writeln!(text, "What=/dev/x").ok(),
            "Swap" => writeln!(text, "What=/dev/u{number}").ok(),
            "Mount" if self.chance.one_in(8) => writeln!(text, "What=x").ok(),
            "Mount" => writeln!(text, "What=x\nWhere=/srv/u{number}").ok(),
            _ if self.chance.one_in(12) => None,
            _ => writeln!(text, "ExecStart=/bin/true").ok(),
        };
        if section == "Service" && self.chance.one_in(8) {
            // Two services of one bus name are refused.
            writeln!(text, "BusName=org.example.U{number}").ok();
        }
        text.push_str(&self.functional(section));
        text
    }

    /// How a service runs: what systemd refuses lies in the combinations.
    fn functional(&mut self, section: &str) -> String {
        const LINES: &[(&str, &[&str])] = &[
            (
                "Type",
                &["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle", "x", ""],
            ),
            ("ExecStart", &["/bin/false", "-/bin/true", "", "true", "@/bin/sh sh -c :"]),
            ("ExecStop", &["/bin/true", ""]),
            ("RemainAfterExit", &["yes", "no", "", "maybe"]),
            (
                "Restart",
                &[
                    "no",
                    "always",
                    "on-success",
                    "on-failure",
                    "on-abnormal",
                    "on-watchdog",
                    "on-abort",
                    "x",
                    "",
                ],
            ),
            ("RestartForceExitStatus", &["1", "SIGTERM", "x", ""]),
            ("ExitType", &["main", "cgroup", "x", ""]),
            ("BusName", &["a", ""]),
            ("PAMName", &["login", "", "%i"]),
            ("WorkingDirectory", &["~", "/x", ""]),
            ("KillMode", &["control-group", "mixed", "process", "none", "x", ""]),
            ("NotifyAccess", &["none", "main", "exec", "all", "x", ""]),
        ];
        const SOCKET: &[(&str, &[&str])] = &[
            (
                "ListenStream",
                &["80", "x y", "", "%i", "[::1]:80", "1.2.3.4:0", "vsock:2:1", "@x", "0", "70000"],
            ),
            ("ListenDatagram", &["/run/x", "127.0.0.1:1", ""]),
            ("ListenSequentialPacket", &["/run/x", "@x"]),
            ("ListenFIFO", &["/run/x", "x", ""]),
            ("ListenSpecial", &["/dev/x", "x"]),
            ("ListenMessageQueue", &["/x", "x"]),
            ("Accept", &["yes", "no", "maybe", ""]),
            ("MaxConnections", &["0", "1", "-1", "x", ""]),
            ("Service", &["x.service", "x", ""]),
            ("DeferTrigger", &["yes", "no", "patient", "x"]),
            ("PAMName", &["login", ""]),
            ("KillMode", &["control-group", "mixed", "none", "process", ""]),
            ("WorkingDirectory", &["~", "/x"]),
        ];
        const PLACE: &[(&str, &[&str])] = &[
            ("What", &["/dev/x", "x", "", "%i", "UUID=x"]),
            ("Where", &["/srv/x", "x", "", "/srv/../x"]),
            ("PAMName", &["login", ""]),
            ("KillMode", &["control-group", "mixed", "none", "process", ""]),
            ("PrivatePIDs", &["yes", "no"]),
        ];
        let (lines, often) = match section {
            "Service" => (LINES, 3),
            "Socket" => (SOCKET, 2),
            _ => (PLACE, 3),
        };
        let mut text = String::new();
        if self.chance.one_in(often) {
            for _ in 0..=self.chance.below(4) {
                let (key, values) = self.chance.of(lines);
                let value = self.chance.of(values);
                writeln!(text, "{key}={value}").ok();
            }
        }
        text
    }

    /// Assignments of some rows of the catalogue, several of one row among them.
    fn body(&mut self) -> String {
        let mut text = String::new();
        let rows: Vec<&Directive> = catalogue::all().iter().copied().filter(|row| row.confines()).collect();
        let checked: Vec<&Directive> =
            catalogue::checks().flat_map(|group| group.directives.iter().copied()).collect();
        for _ in 0..self.chance.below(30) {
            // Most rows weigh nothing in the figure.
            let row = if self.chance.one_in(4) { self.chance.of(&rows) } else { self.chance.of(&checked) };
            if row.sections != catalogue::Sections::Exec {
                continue;
            }
            for _ in 0..=self.chance.below(3) {
                let value = self.value(row);
                let key =
                    if self.chance.one_in(150) { row.name.to_ascii_lowercase() } else { row.name.to_owned() };
                let (before, after) =
                    self.chance.of(&[("", ""), ("", ""), ("", ""), (" ", " "), ("", "  "), ("\t", "")]);
                writeln!(text, "{key}{before}={after}{value}").ok();
            }
        }
        text
    }

    #[expect(clippy::too_many_lines, reason = "one arm a family of values")]
    fn value(&mut self, row: &Directive) -> String {
        match self.chance.below(10) {
            0 => return String::new(),
            1..=3 => {
                if let Some(text) = self.of_catalogue(row) {
                    return text;
                }
            }
            _ => {}
        }
        match row.kind {
            Kind::Switch(_) => self.boolean(),
            Kind::Level(rules) => {
                let mut words: Vec<&str> = vec!["yes", "no", "true", "off", "0", "1"];
                for level in rules.levels {
                    words.push(level.text);
                    words.extend(level.also.iter().map(|(word, _)| *word));
                }
                match self.chance.below(12) {
                    0 => self.boolean(),
                    1 => format!("{}:x", self.chance.of(&words)),
                    2 => self.chance.of(&words).to_ascii_uppercase(),
                    _ => (self.chance.of(&words)).to_owned(),
                }
            }
            Kind::Mask(MaskGrammar::Namespaces | MaskGrammar::Delegated) => {
                if self.chance.one_in(4) {
                    return self.boolean();
                }
                self.list(&["cgroup", "ipc", "net", "mnt", "pid", "user", "uts", "time", "NET", "x", "yes"])
            }
            Kind::Mask(MaskGrammar::SecureBits) => {
                self.list(&["noroot", "noroot-locked", "keep-caps", "exec-restrict-file", "0x1", "NOROOT"])
            }
            Kind::Mask(MaskGrammar::CoreDump) => {
                self.list(&["elf-headers", "default", "all", "0x33", "33", "private-dax", "x"])
            }
            Kind::Mask(MaskGrammar::Bounding | MaskGrammar::Ambient) => self.list(&[
                "CAP_SYS_ADMIN",
                "CAP_SETUID",
                "CAP_SETGID",
                "CAP_SETPCAP",
                "CAP_SYS_PTRACE",
                "CAP_SYS_TIME",
                "CAP_NET_ADMIN",
                "CAP_SYS_RAWIO",
                "CAP_SYS_MODULE",
                "CAP_AUDIT_CONTROL",
                "CAP_SYSLOG",
                "CAP_SYS_NICE",
                "CAP_MKNOD",
                "CAP_CHOWN",
                "CAP_KILL",
                "CAP_NET_RAW",
                "CAP_MAC_ADMIN",
                "CAP_SYS_BOOT",
                "CAP_BPF",
                "CAP_LINUX_IMMUTABLE",
                "CAP_IPC_LOCK",
                "CAP_SYS_CHROOT",
                "CAP_BLOCK_SUSPEND",
                "CAP_LEASE",
                "CAP_WAKE_ALARM",
                "CAP_PERFMON",
                "CAP_CHECKPOINT_RESTORE",
                "CAP_SYS_PACCT",
                "CAP_SYS_TTY_CONFIG",
                "cap_chown",
                "CAP_X",
                "7",
                "63",
                "64",
                "all",
                "chown",
            ]),
            Kind::Names(NameGrammar::Families) => self.list(&[
                "AF_INET",
                "AF_INET6",
                "AF_UNIX",
                "AF_LOCAL",
                "AF_NETLINK",
                "AF_ROUTE",
                "AF_PACKET",
                "AF_CAN",
                "AF_BLUETOOTH",
                "AF_VSOCK",
                "AF_X",
                "af_inet",
                "AF_UNSPEC",
                "none",
                "INET",
                "2",
            ]),
            Kind::Names(_) => self.list(&["ext4", "tmpfs", "@basic-api", "lo", "eth0", "none", "a/b"]),
            Kind::Calls => self.calls(),
            Kind::Networks(_) => self.list(&[
                "any",
                "localhost",
                "link-local",
                "multicast",
                "0.0.0.0/0",
                "::/0",
                "127.0.0.1",
                "127.0.0.0/8",
                "::1",
                "::1/128",
                "127.0.0.0/9",
                "10.0.0.0/8",
                "10.1.2.3/8",
                "fe80::/64",
                "1.2.3",
                "x",
                "0.0.0.0",
                "::",
                "10.0.0.0/33",
                "127.1.1.1/4",
            ]),
            Kind::Mode(_) => (self.chance.of(&[
                "0", "0000", "22", "022", "0022", "0027", "077", "0077", "0777", "7777", "07777", "10000",
                "8", "0x12", "-1", "002", "0004", "0020", "0040", "0066", "u=rwx", "22 22",
            ]))
            .to_owned(),
            Kind::Amount(_) => (self
                .chance
                .of(&["0", "1", "5%", "100%", "infinity", "1G", "1.5G", "10:20", "-1", "1h", "x", "50%"]))
            .to_owned(),
            Kind::Words(rules) => self.words(rules.entry),
            Kind::Text(TextGrammar::Identity | TextGrammar::Group) => (self.chance.of(&[
                "root",
                "0",
                "nobody",
                "daemon",
                "u-1",
                "12345",
                "65534",
                "%p",
                "-x",
                "a b",
                "a.b",
                "4294967295",
                "ä",
                "65535",
                "00",
                "A$",
            ]))
            .to_owned(),
            Kind::Text(TextGrammar::Root) => (self.chance.of(&[
                "/",
                "//",
                "/.",
                "/srv/x",
                "/srv/%p",
                "srv",
                "/srv/../x",
                "/a b",
                "~",
                "-/srv",
                "%h",
            ]))
            .to_owned(),
            Kind::Text(_) => (self.chance.of(&[
                "x",
                "/x",
                "x.slice",
                "%i",
                "-/x",
                "a b",
                "\"a b\"",
                "~",
                "-x",
                "00ff",
                "EPERM",
                "38",
                "kill",
                "-5",
                "base64:YQ==",
                "lo",
            ]))
            .to_owned(),
        }
    }

    /// What the policy writes for the row, or yields.
    fn of_catalogue(&mut self, row: &Directive) -> Option<String> {
        let hardened = row.hardened.iter().flat_map(|hardening| hardening.lines.iter().copied());
        let yields = row.yields.iter().map(|offer| match offer.give {
            Give::AtMost(text) | Give::Add(text) | Give::Also(text) => text,
        });
        let unset = row.unset.iter().map(|unset| unset.text);
        let texts: Vec<&str> = hardened.chain(yields).chain(unset).collect();
        if texts.is_empty() {
            return None;
        }
        let device = matches!(row.kind, Kind::Words(rules) if rules.entry == Entry::Device);
        let samples = [
            ("{path}", if device { "/dev/null" } else { "/srv/x" }),
            ("{access}", "rw"),
            ("{group}", "tss"),
            ("{kind}", "user"),
            ("{unit}", "x.service"),
            ("{address}", "10.0.0.0/8"),
            ("{rule}", "tcp:80"),
            ("{architecture}", "x86"),
            ("{name}", if matches!(row.kind, Kind::Calls) { "@mount" } else { "CAP_CHOWN" }),
        ];
        let text = (self.chance.of(&texts)).to_owned();
        Some(samples.iter().fold(text, |text, (slot, value)| text.replace(slot, value)))
    }

    fn boolean(&mut self) -> String {
        const WORDS: &[&str] = &[
            "yes", "no", "true", "false", "on", "off", "1", "0", "y", "n", "t", "f", "YES", "No", "True",
            "oN", "maybe", "2", "", "yess", "\"yes\"", "yes no",
        ];
        // Mostly what people write.
        if self.chance.one_in(2) { self.chance.of(&["yes", "no"]) } else { self.chance.of(WORDS) }.to_string()
    }

    fn list(&mut self, words: &[&str]) -> String {
        let mut text = if self.chance.one_in(3) { "~".to_owned() } else { String::new() };
        let count = self.chance.below(5);
        for place in 0..count {
            if place > 0 {
                text.push_str(self.chance.of(&[" ", " ", " ", "  ", "\t"]));
            }
            if self.chance.one_in(60) {
                text.push('~');
            }
            let word = self.chance.of(words);
            if self.chance.one_in(25) {
                write!(text, "\"{word}\"").ok();
            } else {
                text.push_str(word);
            }
        }
        text
    }

    fn calls(&mut self) -> String {
        let mut words = syscalls::sets(self.release);
        words.extend([
            "read",
            "mount",
            "clock_settime",
            "ptrace",
            "reboot",
            "swapon",
            "bpf",
            "chown32",
            "nosuch",
        ]);
        words.extend([
            "@nosuch",
            "@known",
            "init_module",
            "iopl",
            "setuid",
            "vm86",
            "mmap2",
            "lookup_dcookie",
        ]);
        let mut text = if self.chance.one_in(3) { "~".to_owned() } else { String::new() };
        for place in 0..self.chance.below(5) {
            if place > 0 {
                text.push(' ');
            }
            text.push_str(self.chance.of(&words));
            if self.chance.one_in(8) {
                text.push_str(self.chance.of(&[
                    ":EPERM",
                    ":1",
                    ":kill",
                    ":",
                    ":0",
                    ":99999",
                    ":ENOSYS",
                    ":EACCES",
                    ":eperm",
                    ":4095",
                    ":4096",
                    ":-1",
                    ":log",
                    ":KILL",
                    ":EWOULDBLOCK",
                    ":ENOTSUP",
                    ":EDEADLOCK",
                    ":E2BIG",
                    ":EX",
                    ":0x1",
                    ":01",
                    ":+1",
                    ":133",
                    ":134",
                    ":EPERM:EPERM",
                    ":2147483646",
                    ":%i",
                ]));
            }
        }
        text
    }

    #[expect(clippy::too_many_lines, reason = "one arm a kind of entry")]
    fn words(&mut self, entry: Entry) -> String {
        match entry {
            Entry::Architecture => self.list(&["native", "x86-64", "x86", "x32", "arm64", "none", "NATIVE"]),
            Entry::Device => (self.chance.of(&[
                "/dev/null rw",
                "/dev/null",
                "char-rtc r",
                "char-pts",
                "block-* rwm",
                "/dev/sda rwx",
                "dev",
                "/etc r",
                "/dev/../etc r",
                "/dev/x  rw",
                "char-",
                "/run/systemd/inaccessible/chr r",
                "\"/dev/x y\" r",
                "/dev/x y z",
                "/dev/null %i",
                "/dev/null r%%",
                "/dev/null %p",
                "char-rtc r%i",
                "char-%p",
                "%t r",
                "/dev/%p rw",
                "/dev/%",
                "/dev/null RW",
                "/dev/null rrww",
                "'/dev/x' 'rw'",
                "/dev/",
                "/dev//null rw",
                "/dev/a/./b",
                "block-%i r",
                "%i r",
            ]))
            .to_owned(),
            Entry::Group => self.list(&["tss", "root", "0", "-x", "a.b", "12", "4294967295", "%p", "ä"]),
            Entry::WholePath => {
                (self.chance.of(&["/sys/fs/bpf/x", "bpf", "/sys/fs/../x", "/sys//fs/", "/a b"])).to_owned()
            }
            Entry::Controller => self.list(&["cpu", "io", "bananas", "cpu,io", "bpf-firewall", "CPU", "%p"]),
            Entry::Unit => {
                self.list(&["a.service", "b@.socket", "%p.service", "c", "d.e", "%i@x.timer", "%%.mount"])
            }
            Entry::Program => (self.chance.of(&[
                "egress:/x",
                "ingress:x",
                "bananas:/x",
                "egress",
                "device:/..",
                "bind4:/%p",
            ]))
            .to_owned(),
            Entry::Searched => {
                (self.chance.of(&["/a:/b", "/a/:b:/c", "/a:", ":/a", "/a//b:/..", "/%p:/b", "/a\\:b"]))
                    .to_owned()
            }
            Entry::Bind | Entry::Temporary | Entry::MountImage | Entry::ExtensionImage => self
                .chance
                .of(&[
                    "/a:/b",
                    "-/a:/b",
                    "/%p:/b",
                    "/a",
                    "/a:/b:ro",
                    "/a:/b:norbind",
                    "/a:/b:root:ro",
                    "/a:/b:root:ro,usr:nodev",
                    "/a:/b:bogus:ro",
                    "/a:/b:x:y:z",
                    "/a:",
                    ":/b",
                    "a:/b",
                    "/a:b",
                    "/a:/../b",
                    "/a:/b /c:/d",
                    "+/a:/b",
                    "--/a:/b",
                    "/a:/b:",
                    "/a:%i",
                    "%i:/b",
                    "\"/a b:/c\"",
                    "/a\\:b:/c",
                    "/a/../b:/c",
                    "/:/b",
                    "/a:/",
                    "\"/a",
                    "/%",
                ])
                .to_owned(),
            Entry::Numbers | Entry::Processors => {
                self.list(&["0", "1-3", "3-1", "0,2", "numa", "all", "8191", "8192", "x", "-1"])
            }
            Entry::BindRule => {
                self.list(&["any", "tcp:80", "ipv4:udp:1-65535", "ipv6", "tcp:0", "80-79", "x"])
            }
            Entry::PerDevice(_) => (self.chance.of(&[
                "/dev/sda 1M",
                "/dev/sda 20",
                "/dev/sda 25ms",
                "/dev/sda",
                "sda 1",
                "/ infinity",
            ]))
            .to_owned(),
            Entry::Path | Entry::Below | Entry::BelowByName => self.list(&[
                "/srv",
                "-/srv",
                "+/srv",
                "-+/srv",
                "srv",
                "/srv/../x",
                "/a:/b",
                "/a:/b:norbind",
                "a:b",
                "%t/x",
                "/x%",
                "..",
                "",
            ]),
            Entry::Credential | Entry::Secret(_) | Entry::Import => self
                .chance
                .of(&[
                    "a:YWJj",
                    "b:YWI=",
                    "a:",
                    ":YWJj",
                    "a/b:YWJj",
                    "a",
                    "a:YWJj b",
                    "%i:YWJj",
                    "a:%i",
                    "a:YWJ",
                    "a:YW Jj",
                    "a b:YWJj",
                    "\"a\":YWJj",
                    ".:YWJj",
                    "%p:YWJj",
                    "a:/x",
                    "a:/x/",
                    "a:../x",
                    "a:x",
                    "a*",
                    "*",
                    "a*b",
                    "b:%%",
                    "a:\\x41",
                    "a:YWJj\\n",
                ])
                .to_owned(),
            Entry::Word
            | Entry::Variable
            | Entry::VariableOrValue
            | Entry::Line
            | Entry::Listed
            | Entry::ImageOptions
            | Entry::File
            | Entry::PacketFilterSet => self.list(&[
                "a",
                "a:b",
                "a=b",
                "A=%i",
                "a:/b",
                "a.service",
                "%",
                "@x",
                "a,b",
                "/a:b:append",
                "user:ip:a:b",
            ]),
        }
    }
}

/// Numbers that look random: xorshift64* (Marsaglia; Vigna).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is small.
    fn below(&mut self, bound: usize) -> usize {
        let number = (self.next() >> 32) as usize;
        number % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Clone>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())].clone()
    }
}
