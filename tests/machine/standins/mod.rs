//! The stand-ins break where the programs that they stand for break: a hardened unit that serves a more
//! forgiving program would prove nothing.
//!
//! Units are written by hand here; those that the tool renders are tried elsewhere.

mod barycenter;
mod parsec;
mod parsec_cloud;
mod scarletdme;

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::process::Output;

use anyhow::{Context, Result, ensure};

use super::{Machine, run_scenarios};

/// What all four programs were seen to bear together.
const TIGHT: &str = "NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateMounts=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
UMask=0077
NoExecPaths=/
ExecPaths=/usr/lib /usr/lib64
";

/// For programs that never change their identity.
const TIGHT_IDENTITY: &str = "ProtectHome=yes
PrivateIPC=yes
CapabilityBoundingSet=
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @obsolete
";

#[test]
fn stand_ins_break_where_the_real_programs_do() -> Result<()> {
    run_scenarios(
        |_| Ok(()),
        &[
            ("a tree is installed as a package would be", install_tree),
            ("the stand-ins are installed", install),
            ("parsec serves a client that it can tell", parsec::serves),
            ("parsec serves in a tight unit", parsec::serves_tightly),
            ("parsec knows nobody in a user namespace", parsec::knows_nobody),
            ("parsec believes names when told to", parsec::believes_names),
            ("parsec needs its Workload API", parsec::needs_its_agent),
            ("parsec refuses root", parsec::refuses_root),
            ("parsec hangs on a blocking activated socket", parsec::hangs_when_activated),
            ("parsec cloud serves who has the token", parsec_cloud::serves),
            ("parsec cloud serves in a tight unit", parsec_cloud::serves_tightly),
            ("parsec cloud ends where its home is hidden", parsec_cloud::needs_its_home),
            ("parsec cloud ends where its key or block store is wrong", parsec_cloud::reads_its_key),
            ("barycenter leaves modes to the umask", barycenter::serves),
            ("barycenter serves in a tight unit", barycenter::serves_tightly),
            ("qm logs in and becomes the user", scarletdme::serves),
            ("qm serves in tight units", scarletdme::serves_tightly),
            ("qm goes on after a refused shell", scarletdme::doubles),
            ("qm needs one IPC namespace and CAP_KILL", scarletdme::needs_its_peers),
            ("qm refuses unknown keys", scarletdme::refuses_unknown_keys),
        ],
    )
}

/// Compiles and installs all of them: services in `/usr/libexec`, the database as `/usr/qmsys/bin/qm`,
/// clients in `/usr/local/bin`.
pub(crate) fn install_programs(machine: &Machine) -> Result<()> {
    for name in ["parsec", "parsec-cloud", "barycenter"] {
        machine.install_standin(name, &format!("/usr/libexec/{name}"))?;
    }
    for name in ["parsec-client", "request", "listener"] {
        machine.install_standin(name, &format!("/usr/local/bin/{name}"))?;
    }
    machine.install_standin("scarletdme", "/usr/qmsys/bin/qm")
}

fn install_tree(machine: &Machine) -> Result<()> {
    let tree = machine.scratch().join("tree");
    let unit = "[Service]\nUser=planted\nExecStart=/bin/sleep infinity\nTasksMax=7\n";
    for (path, text) in [
        ("usr/lib/systemd/system/planted.service", unit),
        ("usr/lib/sysusers.d/planted.conf", "u planted - \"Planted\" /var/lib/planted\n"),
        ("usr/lib/tmpfiles.d/planted.conf", "d /var/lib/planted 0700 planted planted -\n"),
    ] {
        let file = tree.join(path);
        fs::create_dir_all(file.parent().context("no parent")?)?;
        fs::write(file, text)?;
    }
    machine.install_tree(&tree)?;
    machine.start_unit("planted")?;
    let state = machine.check(&["stat", "-c", "%a %U", "/var/lib/planted"])?;
    ensure!(state == "700 planted\n", "{state}");
    let limit = machine.run(&["cat", "/sys/fs/cgroup/system.slice/planted.service/pids.max"])?;
    let expected = if machine.has_controller("pids")? { "7\n" } else { "" };
    ensure!(String::from_utf8_lossy(&limit.stdout) == expected, "{}", said(&limit));
    let bus = machine.bus_address();
    let socket = fs::metadata(bus.trim_start_matches("unix:path="))?;
    ensure!(socket.file_type().is_socket(), "`{bus}` is no socket");
    machine.stop_unit("planted")
}

fn install(machine: &Machine) -> Result<()> {
    install_programs(machine)?;
    for user in ["parsec", "cloud", "barycenter"] {
        machine.check(&["useradd", "--system", "--home-dir", &format!("/var/lib/{user}"), user])?;
    }
    machine.check(&["useradd", "--create-home", "alice"])?;
    machine.check(&["useradd", "--create-home", "bob"])?;
    machine.check(&["groupadd", "qmusers"])?;
    machine.check(&["sh", "-c", "echo alice:secret | chpasswd; chmod 1777 /usr/qmsys"])?;
    machine.install(b"Hello", "/usr/share/barycenter/static/hello", 0o644)
}

/// The answer to a request that names the method and path; tried again while the service binds its port,
/// for `Type=exec` says nothing about that.
pub(crate) fn http(machine: &Machine, port: &str, request: &str, header: &str) -> Result<String> {
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let text = format!("{request} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
    let retry = "for i in $(seq 50); do
        printf %s \"$1\" | request -k 127.0.0.1 \"$2\" && exit
        sleep 0.1
    done";
    let output = machine.run(&["sh", "-c", retry, "sh", &text, port])?;
    Ok(said(&output))
}

/// Both outputs of a command.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
