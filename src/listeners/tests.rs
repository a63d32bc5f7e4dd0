use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::bus_value::BusValue;
use crate::catalogue;
use crate::context::{Context, Mode, Scope, UnitType};
use crate::manifest::{self, Manifest, Source, Sources};
use crate::policy::plan;
use crate::posture::Posture;
use crate::release::Release;
use crate::syscalls::Architecture;

const HEAD: &str =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

/// A row of a table over IP; addresses are in the machine's byte order, as the kernel writes them.
fn row(address: std::net::IpAddr, port: u16, state: &str, inode: u64) -> String {
    let octets = match address {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    };
    let words = octets.chunks_exact(4).map(|word| {
        let word: [u8; 4] = word.try_into().unwrap_or_default();
        format!("{:08X}", u32::from_ne_bytes(word))
    });
    let address: String = words.collect();
    let tail = "00000000:00000000 00:00000000 00000000   990        0";
    format!(
        "   0: {address}:{port:04X} 00000000:0000 {state} {tail} {inode} 1 0000000000000000 100 0 0 10 0\n"
    )
}

/// A process of a made-up /proc, in this network, with these sockets.
fn process(proc: &Path, pid: u32, network: u64, inodes: &[u64]) -> anyhow::Result<()> {
    let dir = proc.join(pid.to_string());
    for folder in ["fd", "ns", "net"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    fs::write(dir.join("comm"), "served\n")?;
    symlink(format!("net:[{network}]"), dir.join("ns/net"))?;
    symlink("/dev/null", dir.join("fd/0"))?;
    for (number, inode) in inodes.iter().enumerate() {
        symlink(format!("socket:[{inode}]"), dir.join(format!("fd/{}", number + 3)))?;
    }
    Ok(())
}

#[test]
fn sockets_of_processes_are_found_in_their_own_networks_and_in_the_managers() -> anyhow::Result<()> {
    let proc = tempfile::tempdir()?;
    let proc = proc.path();
    process(proc, 1, 100, &[11])?;
    process(proc, 10, 200, &[11, 12, 13, 14])?;
    process(proc, 11, 200, &[15, 16, 17, 18, 19, 20, 21])?;
    let every = "0.0.0.0".parse()?;
    fs::write(proc.join("1/net/tcp"), format!("{HEAD}{}", row(every, 80, "0A", 11)))?;
    let loopback = "127.0.0.1".parse()?;
    let tcp = [
        row(loopback, 6777, "0A", 12),
        // A connection of a client, and somebody else's socket.
        row(loopback, 6777, "01", 13),
        row(loopback, 25, "0A", 99),
        "nonsense\n".to_owned(),
    ];
    fs::write(proc.join("10/net/tcp"), format!("{HEAD}{}", tcp.concat()))?;
    let mapped = "::ffff:10.0.0.1".parse()?;
    fs::write(proc.join("10/net/tcp6"), format!("{HEAD}{}", row(mapped, 443, "0A", 14)))?;
    let udp = [row(every, 53, "07", 15), row(every, 40_000, "01", 16)];
    fs::write(proc.join("10/net/udp"), format!("{HEAD}{}", udp.concat()))?;
    // The network of the second process was read with the first.
    fs::write(proc.join("11/net/udp"), format!("{HEAD}{}", row(every, 54, "07", 15)))?;
    let unix = "Num       RefCount Protocol Flags    Type St Inode Path\n\
        0000000000000000: 00000002 00000000 00010000 0001 01    17 /run/with blank.sock\n\
        0000000000000000: 00000003 00000000 00000000 0001 03    18 /run/accepted.sock\n\
        0000000000000000: 00000002 00000000 00000000 0002 01    19 @0a1b2\n\
        0000000000000000: 00000002 00000000 00000000 0002 01    20 /run/log.sock\n\
        0000000000000000: 00000002 00000000 00010000 0001 01    21 @name\n\
        0000000000000000: 00000002 00000000 00000000 0002 01    12345\n";
    fs::write(proc.join("10/net/unix"), unix)?;
    let held = Sockets::open(proc)?.held(&[10, 11, 12], Vec::new());
    let found: Vec<String> = held.by_address.keys().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "tcp 0.0.0.0:80",
            "tcp 10.0.0.1:443",
            "tcp 127.0.0.1:6777",
            "udp 0.0.0.0:53",
            "unix /run/log.sock",
            "unix /run/with blank.sock",
            "unix @name",
        ]
    );
    assert_eq!(held.processes, 2);
    assert_eq!((held.hidden, held.ephemeral), (None, 32_768..=60_999));
    Ok(())
}

#[test]
fn a_socket_unit_binds_what_its_manager_says() {
    let text = |text: &str| BusValue::Text(text.to_owned());
    let pair = |kind: &str, address: &str| BusValue::Tuple(vec![text(kind), text(address)]);
    let listen = BusValue::List(vec![
        pair("Stream", "4242"),
        pair("Stream", "127.0.0.1:4243"),
        pair("Datagram", "[fe80::1]:53%eth0"),
        pair("Stream", "/run/x.sock"),
        pair("FIFO", "/run/x.fifo"),
        pair("Stream", "@name"),
        pair("Netlink", "kobject-uevent 1"),
        pair("Stream", "vsock:2:1"),
    ]);
    let unit = SocketUnit::of_property("x.socket", true, Some(&listen));
    let found: Vec<String> = unit.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "tcp 127.0.0.1:4243",
            "tcp [::]:4242",
            "udp [fe80::1]:53",
            "unix /run/x.fifo",
            "unix /run/x.sock",
            "unix @name"
        ]
    );
}

fn load(text: &str) -> anyhow::Result<Manifest> {
    let main = Source { path: "a.toml", bytes: text.as_bytes() };
    manifest::load(&Sources { main, drop_ins: Vec::new() }, &catalogue::FOR_MANIFESTS)
        .map_err(|error| anyhow::anyhow!("{error}"))
}

/// An address as [`Address`] writes it.
fn address(text: &str) -> anyhow::Result<Address> {
    Ok(match text.split_once(' ') {
        Some(("tcp", at)) => Address::Ip(Protocol::Tcp, at.parse()?),
        Some(("udp", at)) => Address::Ip(Protocol::Udp, at.parse()?),
        Some(("unix", at)) => match at.strip_prefix('@') {
            Some(name) => Address::Abstract(name.to_owned()),
            None => Address::Unix(at.to_owned()),
        },
        _ => anyhow::bail!("{text}"),
    })
}

const SERVICE: &str =
    "edition = 1\n[users.a]\n[service]\nname = \"a\"\nuser = \"a\"\nexec = [\"/usr/bin/a\"]\n";

/// What is found where the service of this manifest holds these: `SEVERITY ID SUBJECT`.
fn found(manifest: &str, held: &[&str], units: Vec<SocketUnit>) -> anyhow::Result<Vec<String>> {
    let manifest = load(manifest)?;
    let planned = plan(&manifest);
    let planned = planned.first().ok_or_else(|| anyhow::anyhow!("no service"))?;
    let context = Context {
        release: Release::latest(252),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    };
    let posture = Posture::unset(&planned.unit_name(), context);
    let subject = Subject {
        manifest: &manifest,
        planned,
        posture: &posture,
        commands: &[],
        activity: Activity::Active,
    };
    let process = |text: &&str| Ok((address(text)?, Holder::Process(10, "a".to_owned())));
    let mut by_address = held.iter().map(process).collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    for unit in units.iter().filter(|unit| unit.is_active) {
        for address in &unit.addresses {
            by_address.insert(address.clone(), Holder::Unit(unit.name.clone()));
        }
    }
    let held = Held { by_address, processes: 1, hidden: None, ephemeral: 32_768..=60_999, units };
    let resolve = |path: &str| path.replacen("/var/run/", "/run/", 1);
    let told = |finding: &Finding| {
        let subject = finding.subject.clone().unwrap_or_default();
        format!("{} {} {subject}", finding.severity.word(), finding.id)
    };
    Ok(judge(&subject, &held, &resolve).iter().map(told).collect())
}

/// What is declared, what is held, and what is found: nothing, or one thing.
const CASES: &[(&str, &[&str], &str)] = &[
    ("tcp 127.0.0.1:80", &["tcp 127.0.0.1:80"], ""),
    ("tcp 127.0.0.1:80", &["tcp 0.0.0.0:80"], "finding listener.undeclared tcp 0.0.0.0:80"),
    ("tcp 127.0.0.1:80", &["tcp [::]:80"], "finding listener.undeclared tcp [::]:80"),
    ("tcp 0.0.0.0:80", &["tcp [::]:80"], "finding listener.undeclared tcp [::]:80"),
    ("tcp 0.0.0.0:80", &["tcp 10.0.0.1:80"], ""),
    ("tcp 0.0.0.0:80", &["tcp 0.0.0.0:80"], ""),
    ("tcp [::]:80", &["tcp [::]:80"], ""),
    ("tcp 10.0.0.0/8:80", &["tcp 10.1.2.3:80"], ""),
    ("tcp 10.0.0.0/8:80", &["tcp 11.1.2.3:80"], "finding listener.undeclared tcp 11.1.2.3:80"),
    ("tcp 10.0.0.0/8:80", &["tcp 0.0.0.0:80"], "finding listener.undeclared tcp 0.0.0.0:80"),
    ("tcp 80", &["tcp 0.0.0.0:80", "tcp [::]:80"], ""),
    ("tcp any", &["tcp 0.0.0.0:80", "tcp [::]:90"], ""),
    ("net", &["tcp 0.0.0.0:80", "udp [::]:90"], ""),
    ("any", &["tcp 0.0.0.0:80", "unix /run/x"], ""),
    (
        "tcp 80",
        &["tcp 0.0.0.0:80", "tcp 0.0.0.0:81", "tcp [::]:81"],
        "finding listener.undeclared tcp 0.0.0.0:81",
    ),
    ("tcp 80", &["tcp 0.0.0.0:80", "udp 0.0.0.0:80"], "finding listener.undeclared udp 0.0.0.0:80"),
    ("tcp 80", &["tcp 0.0.0.0:80", "unix /run/x"], "finding listener.undeclared unix /run/x"),
    // What a client's socket looks like is one unless its port is declared; a TCP port is never a client's.
    ("tcp 80", &["tcp 0.0.0.0:80", "udp 0.0.0.0:40000"], ""),
    ("udp 127.0.0.1:40000", &["udp 0.0.0.0:40000"], "finding listener.undeclared udp 0.0.0.0:40000"),
    ("tcp 80", &["tcp 0.0.0.0:80", "tcp 0.0.0.0:40000"], "finding listener.undeclared tcp 0.0.0.0:40000"),
    ("unix /run/a/x.sock", &["unix /var/run/a/x.sock"], ""),
    ("unix /run/a/x.sock", &["unix x.sock"], ""),
    ("unix /run/a/", &["unix /run/a/1", "unix /run/a/2/3"], ""),
    ("unix /run/a/", &["unix /run/ab"], "finding listener.undeclared unix /run/ab"),
    ("unix @a", &["unix @a"], ""),
    ("unix @a", &["unix @a", "unix /a"], "finding listener.undeclared unix /a"),
    ("tcp 80", &[], "notice listener.missing tcp 80"),
    ("unix /run/a/x.sock", &[], "notice listener.missing unix /run/a/x.sock"),
    ("dbus org.example.A", &[], ""),
];

#[test]
fn what_is_listened_on_is_what_is_declared() -> anyhow::Result<()> {
    for (declared, held, expected) in CASES {
        let manifest = format!("{SERVICE}[needs.listens]\n\"{declared}\" = \"x\"\n");
        let expected: Vec<&str> = [*expected].into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(found(&manifest, held, Vec::new())?, expected, "{declared} {held:?}");
    }
    Ok(())
}

#[test]
fn a_need_that_is_off_declares_nothing() -> anyhow::Result<()> {
    let manifest = format!("{SERVICE}[needs.listens.\"tcp 80\"]\ndefault = \"off\"\nbecause = \"x\"\n");
    assert_eq!(found(&manifest, &[], Vec::new())?, [""; 0]);
    let held = ["tcp 0.0.0.0:80"];
    assert_eq!(found(&manifest, &held, Vec::new())?, ["finding listener.undeclared tcp 0.0.0.0:80"]);
    Ok(())
}

#[test]
fn a_socket_unit_holds_what_it_is_declared_to() -> anyhow::Result<()> {
    let manifest = format!("{SERVICE}[sockets.a]\nlisten = [\"127.0.0.1:4242\"]\nfrom = {{ any = \"x\" }}\n");
    let unit = |is_active, address: Address| {
        vec![SocketUnit { name: "a.socket".to_owned(), is_active, addresses: [address].into() }]
    };
    let declared = || address("tcp 127.0.0.1:4242");
    assert_eq!(found(&manifest, &[], unit(true, declared()?))?, [""; 0]);
    // Both hold one socket.
    assert_eq!(found(&manifest, &["tcp 127.0.0.1:4242"], unit(true, declared()?))?, [""; 0]);
    let missing = "notice listener.missing 127.0.0.1:4242";
    assert_eq!(found(&manifest, &[], unit(false, declared()?))?, [missing]);
    let bare = unit(true, address("tcp [::]:4242")?);
    assert_eq!(found(&manifest, &[], bare)?, ["finding listener.undeclared tcp [::]:4242"]);
    let other = unit(true, address("tcp 127.0.0.1:5555")?);
    let expected = ["finding listener.undeclared tcp 127.0.0.1:5555", missing];
    assert_eq!(found(&manifest, &[], other)?, expected);
    // Of a unit that the manager does not know, nothing is said.
    assert_eq!(found(&manifest, &[], Vec::new())?, [""; 0]);
    Ok(())
}
