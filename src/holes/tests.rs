use std::path::Path;

use super::*;
use crate::bus_value::BusValue;
use crate::catalogue;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::manifest::{self, Source, Sources};
use crate::policy::plan;
use crate::release::Release;
use crate::syscalls::Architecture;
use crate::unit_file::parse;

const MANIFEST: &str = r#"
edition = 1
[users.a]
[service]
name = "a"
exec = ["/usr/bin/a"]
exec-before = { exec = ["/usr/bin/prepare"], unconfined = true, because = "it makes the device" }
[environment]
A_KEY = "x"
[sockets.a]
listen = ["4242", "udp 0.0.0.0:80"]
bare-port = "clients are anywhere"
[needs]
connects."unix /run/b" = "its database"
"#;

fn text(name: &str, lines: &str) -> anyhow::Result<UnitText> {
    let source: Arc<Path> = Arc::from(Path::new("/etc/x"));
    let id: crate::unit_file::UnitName = name.parse()?;
    Ok(UnitText {
        names: [id.clone()].into(),
        id,
        fragment: None,
        drop_ins: Vec::new(),
        assignments: parse(&source, lines.as_bytes()).assignments,
        notices: Vec::new(),
    })
}

fn posture(text: &UnitText) -> Posture {
    let context = Context {
        release: Release::latest(252),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::of(text.id.as_str()),
        architecture: Architecture::X86_64,
    };
    crate::unit_posture::read(text, &Posture::unset(text.id.as_str(), context)).posture
}

/// The severity, id and subject of each hole, with and without the manifest.
fn found(service: &str, socket: &str) -> anyhow::Result<[Vec<String>; 2]> {
    let text_of = text("a.service", &format!("[Service]\n{service}"))?;
    let socket = text("a.socket", &format!("[Socket]\n{socket}"))?;
    let mut around = Surroundings::of_files(&text_of);
    around.sockets = vec![Socket::of_files(&socket, &posture(&socket))];
    let sources =
        Sources { main: Source { path: "a.toml", bytes: MANIFEST.as_bytes() }, drop_ins: Vec::new() };
    let manifest = manifest::load(&sources, &catalogue::FOR_MANIFESTS)?;
    let planned = plan(&manifest);
    let planned = planned.first().ok_or_else(|| anyhow::anyhow!("a service"))?;
    let words = |holes: Vec<Finding>| -> Vec<String> {
        let subject = |hole: &Finding| hole.subject.clone().unwrap_or_default();
        holes.iter().map(|hole| format!("{} {} {}", hole.severity.word(), hole.id, subject(hole))).collect()
    };
    let posture = posture(&text_of);
    let declared = Declared { manifest: &manifest, planned };
    Ok([words(holes(&posture, &around, Some(declared))), words(holes(&posture, &around, None))])
}

#[test]
fn commands_outside_the_confinement_are_holes_unless_declared() -> anyhow::Result<()> {
    let lines = "User=a\nExecStartPre=+/usr/bin/old\nExecStartPre=\nExecStartPre=-+/usr/bin/prepare x\n\
                 ExecStart=/usr/bin/a +x\nExecStopPost=!/bin/b\nExecReload=/bin/c ; @!!/bin/d e\n";
    let [declared, alone] = found(lines, "")?;
    let expected = [
        "notice hole.unconfined-exec /usr/bin/prepare",
        "finding hole.unconfined-exec /bin/b",
        "notice hole.unconfined-exec /bin/d",
    ];
    assert_eq!(declared, expected);
    assert!(alone.iter().all(|hole| hole.starts_with("notice")) && alone.len() == 3, "{alone:?}");
    // What runs as root runs as root.
    assert_eq!(found("ExecStart=!/usr/bin/a\n", "")?, [Vec::<String>::new(), Vec::new()]);
    Ok(())
}

#[test]
fn flags_of_the_bus_say_the_same_as_prefixes() {
    let text = |text: &str| BusValue::Text(text.to_owned());
    let command = |path: &str, flags: &[&str]| {
        let flags = flags.iter().map(|flag| text(flag)).collect();
        BusValue::Tuple(vec![text(path), BusValue::List(vec![text(path)]), BusValue::List(flags)])
    };
    let commands = BusValue::List(vec![
        command("/a", &["ignore-failure", "privileged"]),
        command("/b", &["no-setuid"]),
        command("/c", &[]),
    ]);
    let read = commands::of_properties(|name| (name == "ExecStartEx").then_some(&commands));
    let privileges: Vec<Privileges> = read.iter().map(|command| command.privileges).collect();
    assert_eq!(privileges, [Privileges::Unconfined, Privileges::KeepsIdentity, Privileges::Confined]);
}

#[test]
fn sockets_that_every_address_reaches_are_holes_unless_declared_or_filtered() -> anyhow::Result<()> {
    let lines = "ListenStream=4242\nListenStream=[::]:81\nListenStream=127.0.0.1:82\nListenStream=/run/a\n\
                 ListenDatagram=0.0.0.0:80\n";
    let [declared, alone] = found("", lines)?;
    assert_eq!(declared, ["finding hole.open-socket a.socket 81"]);
    let ports: Vec<&str> = alone.iter().filter_map(|hole| hole.rsplit(' ').next()).collect();
    assert_eq!(ports, ["4242", "81", "80"]);
    let filtered = format!("{lines}IPAddressDeny=any\n");
    assert_eq!(found("", &filtered)?, [Vec::<String>::new(), Vec::new()]);
    assert_eq!(found("", &format!("{lines}ListenStream=\n"))?, [Vec::<String>::new(), Vec::new()]);
    Ok(())
}

#[test]
fn paths_of_the_system_are_holes_only_beside_what_closes_them() -> anyhow::Result<()> {
    let paths = "ReadWritePaths=-/etc /var/lib/a /usr/share/a /\nBindPaths=/home:/data\nStateDirectory=a\n";
    let [declared, alone] = found(&format!("ProtectSystem=strict\n{paths}"), "")?;
    assert_eq!(declared, Vec::<String>::new(), "drift says it");
    let subjects: Vec<&str> = alone.iter().filter_map(|hole| hole.rsplit(' ').next()).collect();
    assert_eq!(subjects, ["/etc", "/usr/share/a", "/", "/home"]);
    assert_eq!(found(paths, "")?[1], Vec::<String>::new());
    Ok(())
}

#[test]
fn what_is_written_and_run_is_a_notice() -> anyhow::Result<()> {
    let closed = "NoExecPaths=/\nExecPaths=/usr/bin /var/lib/a/plugins\nStateDirectory=a\nLogsDirectory=a\n";
    let [declared, alone] = found(closed, "")?;
    assert_eq!(declared, ["notice hole.writable-code /var/lib/a"]);
    assert_eq!(declared, alone);
    assert_eq!(found("StateDirectory=a\n", "")?[0], Vec::<String>::new());
    Ok(())
}

#[test]
fn a_control_group_and_secrets_are_told() -> anyhow::Result<()> {
    let [declared, alone] = found("Delegate=yes\nEnvironment=A_KEY=x \"B_TOKEN=y z\"\n", "")?;
    assert_eq!(declared, ["notice hole.environment-secret A_KEY", "finding hole.environment-secret B_TOKEN"]);
    assert!(alone.contains(&"notice hole.delegate ".to_owned()), "{alone:?}");
    Ok(())
}
