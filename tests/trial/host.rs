//! What a trial does to its host: nothing that stays.

use anyhow::{Context as _, Result, ensure};

use super::{PROGRAM, install, manifest, nothing_is_left, tried};
use crate::machine::Machine;
use crate::machine::standins::said;

/// Answers each connection with a line; it listens after a while, or where it was handed a socket, there.
const SERVER: &str = r#"use IO::Socket::INET;
$SIG{PIPE} = "IGNORE";
my $listening;
if ($ENV{LISTEN_FDS}) { open($listening, "+<&=", 3) or die "socket: $!\n"; bless $listening, "IO::Socket::INET"; }
else { sleep 1; $listening = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], ReuseAddr => 1) or die "listen: $!\n"; }
while (my $client = $listening->accept()) { print $client "at your service\n"; close $client; }
"#;

const CLIENT: &str = r#"use IO::Socket::INET;
my $server = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die "connect: $!\n";
my $line = <$server>;
print $line;
exit($line eq "at your service\n" ? 0 : 1);
"#;

fn install_server(machine: &Machine) -> Result<()> {
    install(machine)?;
    machine.install(SERVER.as_bytes(), "/usr/local/lib/server.pl", 0o644)?;
    machine.install(CLIENT.as_bytes(), "/usr/local/lib/client.pl", 0o644)
}

/// A server of this port.
fn server(name: &str, port: &str) -> String {
    format!(
        "type = \"exec\"\nexec = [\"/usr/bin/perl\", \"/usr/local/lib/server.pl\", \"{port}\"]\n\
         user = \"nobody\"\nwanted-by = [\"multi-user.target\"]\nrestart = \"always\"\n\
         [users.nobody]\nexists = true\n\
         [needs]\nlistens.\"tcp 127.0.0.1:{port}\" = \"clients of {name}\"\n\
         [directories]\nstate = {{}}\n"
    )
}

pub(super) fn becomes_clean(machine: &Machine) -> Result<()> {
    install(machine)?;
    let text = "type = \"oneshot\"\nexec = [\"/bin/sh\", \"-ec\", \"touch /srv/clean; cat /tmp/met\"]\n\
                [needs]\nstarts-as-root = \"it is a test\"\n";
    machine.install(b"text\n", "/tmp/met", 0o644)?;
    let path = manifest(machine, "clean", text)?;
    let (status, trial) = tried(machine, &[&path, "--until-clean"])?;
    ensure!(status == 1 && trial["outcome"] == "ended", "{trial:#}");
    ensure!(trial["denials"] == serde_json::json!([]), "{trial:#}");
    let lines =
        trial["added"].as_array().context("none")?.iter().map(|it| it["line"].as_str().unwrap_or_default());
    let keys: Vec<&str> = lines.clone().map(|line| line.split(" = ").next().unwrap_or_default()).collect();
    let expected = [
        "runs-programs.\"/usr/bin/touch\"",
        "writes.\"/srv/clean\"",
        "runs-programs.\"/usr/bin/cat\"",
        "shares-tmp",
    ];
    ensure!(keys == expected, "{keys:?}\n{trial:#}");
    // They are what it takes.
    let drop_in = format!("[needs]\n{}\n", lines.collect::<Vec<_>>().join("\n"));
    machine.install(drop_in.as_bytes(), &format!("{path}.d/seen.toml"), 0o644)?;
    let output = machine.run(&[PROGRAM, "try", &path])?;
    ensure!(output.status.code() == Some(0), "{}", said(&output));
    nothing_is_left(machine)
}

pub(super) fn serves_a_client(machine: &Machine) -> Result<()> {
    install_server(machine)?;
    let path = manifest(machine, "served", &server("served", "4711"))?;
    let client = ["/usr/bin/perl", "/usr/local/lib/client.pl", "4711"];
    let arguments = [&[path.as_str(), "--for", "3", "--"], client.as_slice()].concat();
    let (status, trial) = tried(machine, &arguments)?;
    ensure!(status == 0 && trial["outcome"] == "ran", "{trial:#}");
    ensure!(trial["denials"] == serde_json::json!([]), "{trial:#}");
    let command = &trial["command"];
    ensure!(command["succeeded"] == true && command["said"][0] == "at your service", "{trial:#}");
    // It is up before it listens.
    ensure!(command["times"].as_u64().is_some_and(|times| times > 1), "{trial:#}");
    let text = machine.check(&[&[PROGRAM, "try"], arguments.as_slice()].concat())?;
    ensure!(text.contains("Ran all the time. Nothing was refused.") && !text.contains("-try"), "{text}");

    let arguments = [path.as_str(), "--for", "1", "--", "/bin/sh", "-c", "echo no; exit 3"];
    let (status, trial) = tried(machine, &arguments)?;
    ensure!(status == 1 && trial["command"]["ended"] == "ended with 3", "{trial:#}");
    nothing_is_left(machine)
}

pub(super) fn is_handed_its_sockets(machine: &Machine) -> Result<()> {
    install_server(machine)?;
    let text =
        server("handed", "4712").replace("listens.\"tcp 127.0.0.1:4712\"", "listens.\"unix /run/unused\"");
    let text = text.replace("listens.\"unix /run/unused\" = \"clients of handed\"", "");
    let socket = "[sockets.try-handed]\nlisten = [\"127.0.0.1:4712\"]\n";
    let path = manifest(machine, "handed", &format!("{text}{socket}"))?;
    let client = ["/usr/bin/perl", "/usr/local/lib/client.pl", "4712"];
    let arguments = [&[path.as_str(), "--for", "2", "--"], client.as_slice()].concat();
    let (status, trial) = tried(machine, &arguments)?;
    ensure!(status == 0 && trial["command"]["succeeded"] == true, "{trial:#}");
    nothing_is_left(machine)
}

pub(super) fn comes_back(machine: &Machine) -> Result<()> {
    install_server(machine)?;
    let path = manifest(machine, "real", &server("real", "4713"))?;
    let target = format!("systemd-{}", machine.systemd()?);
    machine.check(&[PROGRAM, "generate", &path, "--target", &target, "--root", "/"])?;
    machine.install_unit(
        "leans.service",
        "[Unit]\nRequires=try-real.service\n[Service]\nExecStart=/bin/sleep infinity\n",
    )?;
    machine.start_unit("leans.service")?;
    let before = machine.property("try-real.service", "InvocationID")?;

    let refused = machine.run(&[PROGRAM, "try", &path, "--for", "1"])?;
    ensure!(refused.status.code() == Some(2), "{}", said(&refused));
    ensure!(
        said(&refused).contains("try-real.service is up") && said(&refused).contains("--replace"),
        "{}",
        said(&refused)
    );
    ensure!(machine.property("try-real.service", "InvocationID")? == before, "it was touched");
    nothing_is_left(machine)?;

    let client = ["/usr/bin/perl", "/usr/local/lib/client.pl", "4713"];
    let arguments = [&[path.as_str(), "--replace", "--for", "3", "--"], client.as_slice()].concat();
    let (status, trial) = tried(machine, &arguments)?;
    ensure!(status == 0, "{trial:#}");
    ensure!(trial["replaced"] == serde_json::json!(["try-real.service", "leans.service"]), "{trial:#}");
    for unit in ["try-real.service", "leans.service"] {
        ensure!(machine.property(unit, "ActiveState")? == "active", "{unit} is not up again");
    }
    ensure!(machine.property("try-real.service", "InvocationID")? != before, "it was not stopped");
    machine.check(&["systemctl", "stop", "try-real.service", "leans.service"])?;
    nothing_is_left(machine)
}

pub(super) fn leaves_nothing(machine: &Machine) -> Result<()> {
    install_server(machine)?;
    let path = manifest(machine, "ended", &server("ended", "4714"))?;
    let target = format!("systemd-{}", machine.systemd()?);
    machine.check(&[PROGRAM, "generate", &path, "--target", &target, "--root", "/"])?;
    machine.check(&["systemctl", "daemon-reload"])?;
    machine.start_unit("try-ended.service")?;
    for signal in ["TERM", "INT"] {
        let script = format!(
            "{PROGRAM} try {path} --replace --for 60 >/root/said 2>&1 & pid=$!
             until systemctl is-active --quiet try-ended-try.service; do sleep 0.1; done
             kill -{signal} $pid; wait $pid; echo $?"
        );
        let status = machine.check(&["sh", "-c", &script])?;
        let text = machine.check(&["cat", "/root/said"])?;
        ensure!(status.trim() == "2" && text.contains("interrupted"), "{signal}: {status} {text}");
        ensure!(machine.property("try-ended.service", "ActiveState")? == "active", "{signal}: not up again");
        nothing_is_left(machine)?;
    }

    // What nobody could take back, the next trial does.
    let script = format!(
        "{PROGRAM} try {path} --replace --for 60 >/root/said 2>&1 & pid=$!
         until systemctl is-active --quiet try-ended-try.service; do sleep 0.1; done
         {PROGRAM} try {path} --replace --for 1; echo $?
         kill -KILL $pid; wait $pid; true"
    );
    let second = machine.run(&["sh", "-c", &script])?;
    ensure!(
        said(&second).contains("another trial is under way") && said(&second).contains('2'),
        "{}",
        said(&second)
    );
    ensure!(machine.property("try-ended.service", "ActiveState")? == "inactive", "it was not killed");
    let other = manifest(machine, "other", &server("other", "4715"))?;
    let output = machine.run(&[PROGRAM, "try", &other, "--for", "1"])?;
    ensure!(output.status.code() == Some(0), "{}", said(&output));
    ensure!(said(&output).contains("an earlier trial did not come to its end"), "{}", said(&output));
    ensure!(machine.property("try-ended.service", "ActiveState")? == "active", "not started again");
    machine.check(&["systemctl", "stop", "try-ended.service"])?;
    nothing_is_left(machine)
}

pub(super) fn is_told(machine: &Machine) -> Result<()> {
    install_server(machine)?;
    let lacking =
        "type = \"exec\"\nexec = [\"/bin/true\"]\n[users.gone]\n[directories]\nlogs = { owner = \"root\" }\n";
    let path = manifest(machine, "lacking", lacking)?;
    let output = machine.run(&[PROGRAM, "try", &path])?;
    let text = said(&output);
    ensure!(output.status.code() == Some(2), "{text}");
    for part in [
        "the user `gone`",
        "`/var/log/try-lacking`",
        "systemd-sysusers /tmp/try-lacking/try-lacking.sysusers",
        "systemd-tmpfiles --create",
    ] {
        ensure!(text.contains(part), "no {part} in {text}");
    }
    // The way out leads there.
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("  ")).map(str::trim).collect();
    let script = commands.join("\n").replace("systemd-harden generate", &format!("{PROGRAM} generate"));
    machine.check(&["sh", "-ec", &script])?;
    let (status, trial) = tried(machine, &[&path, "--for", "1"])?;
    ensure!(status == 0 && trial["outcome"] == "ended", "{trial:#}");

    machine.check(&["useradd", "--create-home", "lisa"])?;
    machine.check(&["cp", &path, "/home/lisa/a.toml"])?;
    let output = machine.run_as("lisa", &[PROGRAM, "try", "/home/lisa/a.toml"])?;
    ensure!(output.status.code() == Some(2) && said(&output).contains("only root"), "{}", said(&output));

    let condition = "type = \"exec\"\nexec = [\"/bin/true\"]\ncondition-path = [\"/nowhere\"]\n[needs]\nstarts-as-root = \"it is a test\"\n";
    let path = manifest(machine, "condition", condition)?;
    let output = machine.run(&[PROGRAM, "try", &path])?;
    ensure!(
        output.status.code() == Some(2) && said(&output).contains("ConditionPathExists"),
        "{}",
        said(&output)
    );
    nothing_is_left(machine).context("after failures")
}
