//! Daemons of Debian: what `import` says of them as they run, tried in their place at the highest strictness, with a
//! client that is served.

use anyhow::{Context as _, Result, ensure};

use super::{PROGRAM, nothing_is_left, tried};
use crate::daemons::machine_with;
use crate::machine::Machine;
use crate::machine::standins::said;

/// The unit, and a client's request. All name the path that they cannot write, but for redis.
const DAEMONS: [(&str, &[&str]); 3] = [
    ("nginx", &["curl", "--silent", "--fail", "--output", "/dev/null", "http://127.0.0.1/"]),
    ("redis-server", &["redis-cli", "set", "key", "value"]),
    ("mosquitto", &["mosquitto_pub", "--topic", "a", "--message", "b"]),
];

const PACKAGES: [&str; 5] = ["nginx", "curl", "redis-server", "mosquitto", "mosquitto-clients"];

#[test]
fn daemons_of_a_distribution_are_tried_in_their_place() -> Result<()> {
    let what = format!("trials of {} daemons", DAEMONS.len());
    let Some(machine) = machine_with(&PACKAGES, &what)? else { return Ok(()) };
    let mut wrong = Vec::new();
    for (unit, request) in DAEMONS {
        if let Err(error) = serves(&machine, unit, request).and_then(|()| misses(&machine, unit, request)) {
            wrong.push(format!("{unit}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    nothing_is_left(&machine)
}

fn serves(machine: &Machine, unit: &str, request: &[&str]) -> Result<()> {
    machine.start_unit(unit)?;
    let path = format!("/root/{unit}.toml");
    let release = machine.systemd()?.to_string();
    let imported = machine.run(&[
        PROGRAM,
        "import",
        "--systemd",
        &release,
        "--strictness",
        "strict",
        "--output",
        &path,
        unit,
    ])?;
    ensure!(imported.status.success(), "{}", said(&imported));
    let arguments = [&[path.as_str(), "--replace", "--for", "10", "--"], request].concat();
    let (status, trial) = tried(machine, &arguments)?;
    ensure!(status == 0 && trial["outcome"] == "ran", "{trial:#}");
    ensure!(trial["command"]["succeeded"] == true, "{trial:#}");
    ensure!(machine.property(unit, "ActiveState")? == "active", "it is not up again");
    Ok(())
}

/// What a daemon is refused whose manifest does not say where it writes.
fn misses(machine: &Machine, unit: &str, request: &[&str]) -> Result<()> {
    let text = machine.check(&["cat", &format!("/root/{unit}.toml")])?;
    let (before, rest) = text.split_once("[needs.writes]").context("it writes nowhere")?;
    let after = rest.split_once("\n[").map(|(_, after)| format!("[{after}")).unwrap_or_default();
    machine.install(format!("{before}{after}").as_bytes(), "/root/without.toml", 0o644)?;
    let (status, trial) = tried(machine, &["/root/without.toml", "--replace", "--for", "2"])?;
    let denial = &trial["denials"][0];
    ensure!(status == 1 && denial["error"] == "EROFS", "{trial:#}");
    let remedy = &denial["remedies"][0];
    if denial["causes"][0]["thing"].is_null() {
        // A program that does not name the path gets no line that would only be a guess.
        ensure!(remedy.is_null() && trial["hints"].to_string().contains("strace"), "{trial:#}");
    } else {
        let line = remedy["line"].as_str().unwrap_or_default();
        ensure!(line.starts_with("writes.\"/") && remedy["lifts"] == true, "{trial:#}");
        // Line by line it comes to serve its clients again.
        let arguments =
            [&["/root/without.toml", "--replace", "--until-clean", "--for", "5", "--"], request].concat();
        let (status, trial) = tried(machine, &arguments)?;
        ensure!(status == 1 && trial["denials"] == serde_json::json!([]), "{trial:#}");
        ensure!(trial["outcome"] == "ran" && trial["command"]["succeeded"] == true, "{trial:#}");
    }
    ensure!(machine.property(unit, "ActiveState")? == "active", "it is not up again");
    Ok(())
}
