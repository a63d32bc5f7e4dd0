//! Services that are refused something, each in another way.

/// A way of being refused.
pub(super) struct Way {
    /// The service.
    pub(super) name: &'static str,
    /// The manifest behind its first lines.
    pub(super) manifest: &'static str,
    /// The error, and those of later releases, which refuse it in another way.
    pub(super) errors: &'static [&'static str],
    /// The directive to blame first; empty where none is.
    pub(super) directive: &'static str,
    /// What it is about.
    pub(super) thing: Option<&'static str>,
    /// The line of the manifest up to its reason; none where no need helps.
    pub(super) line: Option<&'static str>,
    /// Whether it is proved that nothing of the policy refuses it then.
    pub(super) lifts: Option<bool>,
    /// How it went.
    pub(super) outcome: &'static str,
}

pub(super) const WAYS: &[Way] = &[
    Way {
        name: "read-only",
        manifest: r#"
type = "oneshot"
exec = ["/usr/bin/touch", "/srv/file"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["EROFS"],
        directive: "ProtectSystem",
        thing: Some("/srv/file"),
        line: Some(r#"writes."/srv/file" = { missing = "service-creates", because = "#),
        lifts: Some(true),
        outcome: "failed",
    },
    // It goes on as if nothing were.
    Way {
        name: "read-only-on",
        manifest: r#"
type = "exec"
exec = ["/bin/sh", "-c", "touch /srv/there; exec sleep infinity"]
[needs]
runs-programs."/usr/bin/touch" = "the shell runs it"
runs-programs."/usr/bin/sleep" = "the shell runs it"
starts-as-root = "it is a test"
"#,
        errors: &["EROFS"],
        directive: "ProtectSystem",
        thing: Some("/srv/there"),
        line: Some(r#"writes."/srv/there" = "#),
        lifts: Some(true),
        outcome: "ran",
    },
    Way {
        name: "home",
        manifest: r#"
type = "oneshot"
user = "homer"
exec = ["/bin/cat", "/home/homer/secret"]
[users.homer]
exists = true
"#,
        errors: &["EACCES"],
        directive: "ProtectHome",
        thing: Some("/home/homer/secret"),
        line: Some(r#"homes = { access = "read", because = "#),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "tmp",
        manifest: r#"
type = "oneshot"
exec = ["/bin/cat", "/tmp/shared"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["ENOENT"],
        directive: "PrivateTmp",
        thing: Some("/tmp/shared"),
        line: Some("shares-tmp = "),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "call",
        manifest: r#"
type = "oneshot"
exec = ["/usr/bin/unshare", "--mount", "true"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["EPERM"],
        directive: "CapabilityBoundingSet",
        thing: Some("CAP_SYS_ADMIN"),
        line: Some("makes-sandboxes = { privileged = true, because = "),
        lifts: None,
        outcome: "failed",
    },
    Way {
        name: "call-killed",
        manifest: r#"
type = "oneshot"
exec = ["/usr/bin/unshare", "--mount", "true"]
[needs]
starts-as-root = "it is a test"
[override]
SystemCallFilter = { value = "~unshare", because = "it is a test" }
SystemCallErrorNumber = { value = "kill", because = "it is a test" }
"#,
        errors: &["SIGSYS"],
        directive: "SystemCallFilter",
        thing: Some("unshare"),
        line: None,
        lifts: None,
        outcome: "failed",
    },
    Way {
        name: "namespace",
        manifest: r#"
type = "oneshot"
exec = ["/bin/true"]
[needs]
starts-as-root = "it is a test"
writes."/srv/missing" = "it writes there"
"#,
        errors: &["226/NAMESPACE"],
        directive: "ReadWritePaths",
        thing: Some("/srv/missing"),
        line: Some(r#"writes."/srv/missing" = { missing = "service-creates", because = "#),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "no-program",
        manifest: r#"
type = "exec"
exec = ["/usr/bin/no-such-program"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["226/NAMESPACE"],
        directive: "ExecPaths",
        thing: Some("/usr/bin/no-such-program"),
        line: None,
        lifts: None,
        outcome: "failed",
    },
    Way {
        name: "no-exec",
        manifest: r#"
type = "oneshot"
exec = ["/bin/sh", "-c", "exec /usr/bin/id"]
[needs]
starts-as-root = "it is a test"
runs-programs."/usr/bin/true" = "that one alone"
"#,
        errors: &["EACCES"],
        directive: "NoExecPaths",
        thing: Some("/usr/bin/id"),
        line: Some(r#"runs-programs."/usr/bin/id" = "#),
        lifts: Some(true),
        outcome: "failed",
    },
    // A shell names no path.
    Way {
        name: "shell",
        manifest: r#"
type = "oneshot"
exec = ["/bin/sh", "-c", "exec id"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["EACCES"],
        directive: "NoExecPaths",
        thing: Some("/usr/bin/id"),
        line: Some(r#"runs-programs."/usr/bin/id" = "#),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "code",
        manifest: r#"
type = "oneshot"
exec = ["/usr/local/bin/refused", "code"]
[needs]
starts-as-root = "it is a test"
[denies]
loads-plugins = "it has none"
"#,
        errors: &["EPERM", "EACCES"],
        directive: "MemoryDenyWriteExecute",
        thing: Some("mmap"),
        line: Some("generates-code = "),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "family",
        manifest: r#"
type = "oneshot"
exec = ["/usr/local/bin/refused", "netlink"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["EAFNOSUPPORT"],
        directive: "RestrictAddressFamilies",
        thing: Some("AF_NETLINK"),
        line: Some("interfaces = "),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "device",
        manifest: r#"
type = "oneshot"
exec = ["/bin/cat", "/dev/fancy"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["ENOENT"],
        directive: "PrivateDevices",
        thing: Some("/dev/fancy"),
        line: Some(r#"devices."/dev/fancy" = "#),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "port",
        manifest: r#"
type = "oneshot"
user = "homer"
exec = ["/usr/local/bin/refused", "port", "80"]
[users.homer]
exists = true
[needs]
connects.net = "it speaks IP"
"#,
        errors: &["EACCES", "EPERM"],
        directive: "AmbientCapabilities",
        thing: Some("CAP_NET_BIND_SERVICE"),
        line: Some(r#"listens."tcp 80" = "#),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "user",
        manifest: r#"
type = "oneshot"
user = "nobody-here"
exec = ["/bin/true"]
[users.nobody-here]
exists = true
"#,
        errors: &["217/USER"],
        directive: "User",
        thing: Some("nobody-here"),
        line: None,
        lifts: None,
        outcome: "failed",
    },
    Way {
        name: "tunable",
        manifest: r#"
type = "oneshot"
exec = ["/bin/sh", "-c", "echo 1 > /proc/sys/kernel/panic"]
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["ENOENT"],
        directive: "ProcSubset",
        thing: Some("/proc/sys/kernel/panic"),
        line: Some("host-statistics = "),
        lifts: Some(true),
        outcome: "failed",
    },
    // The next thing in the way of the same.
    Way {
        name: "tunable-seen",
        manifest: r#"
type = "oneshot"
exec = ["/bin/sh", "-c", "echo 1 > /proc/sys/kernel/panic"]
[needs]
starts-as-root = "it is a test"
host-statistics = "seen when it was tried"
"#,
        errors: &["EROFS"],
        directive: "ProtectKernelTunables",
        thing: Some("/proc/sys/kernel/panic"),
        line: Some("kernel.tunables = "),
        lifts: Some(true),
        outcome: "failed",
    },
    Way {
        name: "capability",
        manifest: r#"
type = "oneshot"
exec = ["/usr/local/bin/refused", "owner"]
[directories]
state = {}
[needs]
starts-as-root = "it is a test"
"#,
        errors: &["EPERM"],
        directive: "CapabilityBoundingSet",
        thing: Some("CAP_CHOWN"),
        line: Some(r#"others-files = { access = "own", because = "#),
        lifts: Some(true),
        outcome: "failed",
    },
];
