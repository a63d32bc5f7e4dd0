//! What a unit's lines come to and what the manager publishes for them are one value, family by family.

use std::cmp::Ordering;

use anyhow::{Context as _, Result, ensure};

use super::{NameFilter, Published, Remark, Value};
use crate::bus_value::BusValue;
use crate::catalogue::{self, Directive};
use crate::context::{Context, Mode, Scope, UnitType};
use crate::posture::{Origin, Posture};
use crate::release::Release;
use crate::syscalls::Architecture;

fn context(major: u16) -> Context {
    Context {
        release: Release::latest(major),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    }
}

fn row(name: &str) -> Result<&'static Directive> {
    catalogue::find(name).with_context(|| format!("no {name}="))
}

/// What the lines of a directive come to, and what there was to remark.
fn written(name: &str, lines: &[&str]) -> Result<(Value, Vec<Remark>)> {
    let directive = row(name)?;
    let mut posture = Posture::unset("x.service", context(262));
    let remarks = lines.iter().flat_map(|line| posture.assign(directive, line, Origin::Default)).collect();
    Ok((posture.get(directive).value.clone(), remarks))
}

fn published(name: &str, values: &[BusValue]) -> Result<Published> {
    let values: Vec<&BusValue> = values.iter().collect();
    Ok(row(name)?.kind.from_bus(&values, &context(262)))
}

fn s(text: &str) -> BusValue {
    BusValue::Text(text.to_owned())
}

fn t(number: u64) -> BusValue {
    BusValue::Unsigned(number)
}

fn i(number: i64) -> BusValue {
    BusValue::Signed(number)
}

fn b(on: bool) -> BusValue {
    BusValue::Bool(on)
}

fn r<const N: usize>(fields: [BusValue; N]) -> BusValue {
    BusValue::Tuple(fields.into())
}

fn a<const N: usize>(items: [BusValue; N]) -> BusValue {
    BusValue::List(items.into())
}

fn ay(bytes: &[u8]) -> BusValue {
    BusValue::Bytes(bytes.to_vec())
}

fn agree(name: &str, lines: &[&str], values: &[BusValue]) -> Result<()> {
    let (written, remarks) = written(name, lines)?;
    ensure!(remarks.is_empty(), "{name}={lines:?}: {remarks:?}");
    let Published::As(published) = published(name, values)? else {
        anyhow::bail!("{name}: {values:?} is not read");
    };
    let order = row(name)?.kind.compare(&published, &written);
    ensure!(order == Some(Ordering::Equal), "{name}={lines:?}: {written:?}, {published:?}");
    Ok(())
}

#[test]
fn numbers_of_the_bus_are_the_words_of_a_unit() -> Result<()> {
    agree("SecureBits", &["noroot", "noroot-locked keep-caps"], &[i(0x12)])?;
    agree("SystemCallErrorNumber", &["ENOSYS"], &[i(38)])?;
    agree("SystemCallErrorNumber", &["38"], &[i(38)])?;
    agree("SystemCallErrorNumber", &["EPERM", "kill"], &[i(2_147_483_646)])?;
    agree("CoredumpFilter", &["elf-headers", "private-anonymous"], &[t(0x11)])?;
    agree("CoredumpFilter", &["default"], &[t(0x33)])?;
    agree("CoredumpFilter", &["all", ""], &[t(0x7f)])?;
    agree("DelegateNamespaces", &["mnt net"], &[t(0x4002_0000)])?;
    agree("DelegateNamespaces", &["no"], &[t(u64::MAX)])?;
    agree("DelegateNamespaces", &["yes"], &[t(0x6e02_0080)])?;
    agree("MountFlags", &["slave"], &[t(1 << 19)])?;
    agree("MountFlags", &["slave", ""], &[t(0)])?;
    agree("CPUSchedulingPolicy", &["rr"], &[i(2)])?;
    agree("CPUSchedulingPolicy", &[], &[i(1)])?;
    agree("IOSchedulingClass", &["3"], &[i(3)])?;
    agree("IOSchedulingClass", &["idle", ""], &[i(2)])?;
    agree("NUMAPolicy", &["interleave"], &[i(3)])?;
    agree("LogLevelMax", &["4"], &[i(4)])?;
    agree("LogLevelMax", &[], &[i(-1)])?;
    agree("Nice", &["+5"], &[i(5)])?;
    agree("Nice", &[], &[i(-11)])?;
    agree("OOMScoreAdjust", &["-500"], &[i(-500)])?;
    agree("MemoryPressureWatch", &["off"], &[s("no")])?;
    agree("MemoryPressureWatch", &["on"], &[s("on")])
}

#[test]
fn limits_are_read_in_their_units() -> Result<()> {
    agree("LimitNOFILE", &["64:128"], &[t(128), t(64)])?;
    agree("LimitNOFILE", &["128"], &[t(128), t(128)])?;
    agree("LimitNOFILE", &["128:128"], &[t(128), t(128)])?;
    agree("LimitCPU", &["1min 500ms"], &[t(61), t(61)])?;
    agree("LimitCPU", &["infinity"], &[t(u64::MAX), t(u64::MAX)])?;
    agree("LimitRTTIME", &["250:1s"], &[t(1_000_000), t(250)])?;
    agree("LimitNICE", &["+5"], &[t(15), t(15)])?;
    agree("LimitNICE", &["30"], &[t(30), t(30)])?;
    agree("LimitSTACK", &["8M"], &[t(8 << 20), t(8 << 20)])?;
    agree("CPUQuota", &["12.5%"], &[t(125_000)])?;
    agree("CPUQuotaPeriodSec", &["20ms"], &[t(20_000)])?;
    agree("CPUWeight", &["idle"], &[t(0)])?;
    agree("CPUWeight", &[], &[t(u64::MAX)])?;
    agree("IOWeight", &["20"], &[t(20)])?;
    agree("ManagedOOMMemoryPressureLimit", &["50%"], &[t(2_147_483_648)])?;
    agree("ManagedOOMMemoryPressureLimit", &[], &[t(0)])?;
    agree("StateDirectoryQuota", &["1G"], &[r([t(1 << 30), t(u64::from(u32::MAX)), s("yes")])])?;
    agree("StateDirectoryQuota", &["25%"], &[r([t(u64::MAX), t(1_073_741_824), s("yes")])])?;
    agree("StateDirectoryQuota", &["1G", "off"], &[r([t(u64::MAX), t(u64::from(u32::MAX)), s("no")])])?;
    agree("LogRateLimitIntervalSec", &["5"], &[t(5_000_000)])
}

/// Seen on 252.
#[test]
fn numbers_are_written_in_any_way_of_c_and_in_two_more() -> Result<()> {
    agree("LimitNOFILE", &["0x40:0200"], &[t(128), t(64)])?;
    agree("TasksMax", &["0b101"], &[t(5)])?;
    agree("IOWeight", &["0o24"], &[t(20)])?;
    agree("LimitNICE", &["-0x5"], &[t(25), t(25)])?;
    agree("LimitNICE", &["+0b1:-0o24"], &[t(40), t(19)])?;
    agree("Nice", &["-012"], &[i(-10)])?;
    agree("LogLevelMax", &["0B100"], &[i(4)])?;
    agree("AllowedCPUs", &["0x0-0x2 011", "4,0b101"], &[ay(&[0b0011_0111, 0b10])])?;
    agree("SocketBindAllow", &["0x50"], &[a([r([i(0), i(0), t(1), t(80)])])])?;
    agree("CapabilityBoundingSet", &["0b1 0x5"], &[t(0b10_0010)])
}

#[test]
fn what_no_limit_takes_is_left() -> Result<()> {
    for (name, text) in [
        ("LimitNOFILE", "128:64"),
        ("LimitNOFILE", "1K"),
        ("LimitFSIZE", "50%"),
        ("LimitNICE", "-21"),
        ("LimitNICE", "41"),
        ("LimitNICE", "+20"),
        ("LimitNICE", "+-1"),
        ("CPUWeight", "0"),
        ("CPUWeight", "infinity"),
        ("IOWeight", "idle"),
        ("CPUQuota", "0%"),
        ("CPUQuota", "50"),
        ("MemoryMax", "101%"),
        ("MemoryMax", "0"),
        ("MemoryHigh", "0%"),
        ("IOSchedulingPriority", "8"),
        ("CPUSchedulingPriority", "100"),
        ("Nice", "-0b1"),
        ("TasksMax", "0"),
        ("ManagedOOMMemoryPressureLimit", "50"),
        ("AllowedCPUs", "0-8192"),
        ("AllowedCPUs", "1-x"),
        ("NFTSet", "cgroup:inet:filter"),
        ("NFTSet", "process:inet:filter:x"),
        ("OpenFile", "relative"),
        ("OpenFile", "/x:y:twice"),
        ("SocketBindAllow", "tcp:0"),
        ("SocketBindAllow", "tcp:ipv4:80"),
        ("SocketBindAllow", "80-79"),
        ("BindPaths", "relative"),
        ("BindPaths", "/a:/b:ro"),
        ("MountImages", "/a.raw"),
        ("IOReadBandwidthMax", "/dev/sda"),
        ("IOReadBandwidthMax", "sda 1M"),
        ("Nice", "high"),
    ] {
        let before = written(name, &[])?.0;
        let (value, remarks) = written(name, &[text])?;
        let empty = value == Value::Words(Vec::new());
        ensure!((value == before || empty) && remarks.len() == 1, "{name}={text}: {value:?} {remarks:?}");
    }
    Ok(())
}

#[test]
fn entries_are_kept_as_they_are_published() -> Result<()> {
    let bind = |source: &str, target: &str, missing, flags| r([s(source), s(target), b(missing), t(flags)]);
    agree(
        "BindPaths",
        &["-/a//b /c:/d:norbind"],
        &[a([bind("/a/b", "/a/b", true, 16384), bind("/c", "/d", false, 0)])],
    )?;
    agree("BindReadOnlyPaths", &["/a/:/a:rbind"], &[a([bind("/a", "/a", false, 16384)])])?;
    agree("BindPaths", &[r"/a\:b:/c"], &[a([bind("/a:b", "/c", false, 16384)])])?;
    agree(
        "TemporaryFileSystem",
        &["/srv/ /x:ro,size=1M"],
        &[a([r([s("/srv"), s("")]), r([s("/x"), s("ro,size=1M")])])],
    )?;
    let options = a([r([s("root"), s("ro")])]);
    agree("MountImages", &["-/a.raw:/m:ro"], &[a([r([s("/a.raw"), s("/m"), b(true), options.clone()])])])?;
    agree(
        "MountImages",
        &["/a.raw:/m:home:nosuid"],
        &[a([r([s("/a.raw"), s("/m"), b(false), a([r([s("home"), s("nosuid")])])])])],
    )?;
    agree("ExtensionImages", &["/e.raw:ro"], &[a([r([s("/e.raw"), b(false), options])])])?;
    agree(
        "RootImageOptions",
        &["home:ro nodev"],
        &[a([r([s("home"), s("ro")]), r([s("root"), s("nodev")])])],
    )?;
    agree("OpenFile", &["/etc/x"], &[a([r([s("/etc/x"), s("x"), t(0)])])])?;
    agree("OpenFile", &["/etc/x:n:graceful,read-only"], &[a([r([s("/etc/x"), s("n"), t(9)])])])?;
    agree(
        "DeviceAllow",
        &["/dev/null wr", "char-pts"],
        &[a([r([s("char-pts"), s("rwm")]), r([s("/dev/null"), s("rw")])])],
    )?;
    agree("NFTSet", &["cgroup:inet:filter:svc"], &[a([r([i(3), i(1), s("filter"), s("svc")])])])?;
    agree("BPFProgram", &["egress:/sys/fs/bpf/x"], &[a([r([s("egress"), s("/sys/fs/bpf/x")])])])?;
    agree("LoadCredential", &["a:/etc/a", "b"], &[a([r([s("b"), s("b")]), r([s("a"), s("/etc/a")])])])?;
    agree("SetCredential", &["a:se\\x20cret"], &[a([r([s("a"), ay(b"other")])])])?;
    agree("ImportCredential", &["a.*:b", "c"], &[a([r([s("a.*"), s("b")]), r([s("c"), s("")])])])?;
    agree("ImportCredential", &["a.*"], &[a([s("a.*")])])?;
    agree(
        "IOReadBandwidthMax",
        &["/dev/sda 1M", "/dev/sdb 5", "/dev/sdb infinity"],
        &[a([r([s("/dev/sda"), t(1_000_000)])])],
    )?;
    agree("IODeviceLatencyTargetSec", &["/dev/sda 25ms"], &[a([r([s("/dev/sda"), t(25_000)])])])?;
    agree("BPFDelegateMaps", &["BPFMapTypeArray,BPFMapTypeHash"], &[s("BPFMapTypeHash,BPFMapTypeArray")])
}

#[test]
fn rules_about_ports_have_one_form() -> Result<()> {
    let rule = |family, protocol, count, first| r([i(family), i(protocol), t(count), t(first)]);
    agree("SocketBindDeny", &["any", "ipv4:any"], &[a([rule(0, 0, 0, 0), rule(2, 0, 0, 0)])])?;
    agree(
        "SocketBindAllow",
        &["ipv4:tcp:8080-8090", "udp:53-53"],
        &[a([rule(2, 6, 11, 8080), rule(0, 17, 1, 53)])],
    )?;
    agree("SocketBindAllow", &["1-65535", "ipv6:tcp"], &[a([rule(0, 0, 65535, 1), rule(10, 6, 0, 0)])])
}

#[test]
fn directories_are_read_from_two_properties() -> Result<()> {
    let link = |name: &str, target: &str, flags| r([s(name), s(target), t(flags)]);
    let names = a([s("x"), s("y"), s("z")]);
    let links = a([link("x", "", 1), link("y", "l", 0), link("y", "m", 0)]);
    agree("StateDirectory", &["x::ro y:l z", "y:m y"], &[names.clone(), links])?;
    // 258 on lists every name in both.
    agree(
        "StateDirectory",
        &["x y z/"],
        &[names.clone(), a([link("x", "", 0), link("y", "", 0), link("z", "", 0)])],
    )?;
    agree("StateDirectory", &["x y z"], std::slice::from_ref(&names))?;
    agree("ConfigurationDirectory", &["x::ro y z"], &[names])
}

#[test]
fn sets_of_processors_are_bitmaps() -> Result<()> {
    agree("AllowedCPUs", &["0-2 9", "4,5"], &[ay(&[0b0011_0111, 0b10])])?;
    agree("AllowedCPUs", &["0", ""], &[ay(&[])])?;
    agree("CPUAffinity", &["numa"], &[ay(&[3]), b(true)])?;
    agree("CPUAffinity", &["1"], &[ay(&[2]), b(false)])?;
    ensure!(published("AllowedCPUs", &[ay(&[0; 1025])])? == Published::Odd);
    let directive = row("AllowedCPUs")?;
    ensure!(directive.kind.write(&written("AllowedCPUs", &["0-2 9,3"])?.0) == "0-3 9");
    let compare = |found: &[&str], wanted: &[&str]| -> Result<Option<Ordering>> {
        Ok(directive.kind.compare(&written("AllowedCPUs", found)?.0, &written("AllowedCPUs", wanted)?.0))
    };
    ensure!(compare(&[], &["0"])? == Some(Ordering::Less), "all processors are more than one");
    ensure!(compare(&["0"], &["0-1"])? == Some(Ordering::Greater));
    Ok(())
}

#[test]
fn texts_have_the_form_of_a_unit() -> Result<()> {
    agree("AppArmorProfile", &["-nginx"], &[r([b(true), s("nginx")])])?;
    agree("SELinuxContext", &["a_u:a_r:a_t:s0"], &[r([b(false), s("a_u:a_r:a_t:s0")])])?;
    agree("SmackProcessLabel", &[], &[r([b(false), s("")])])?;
    agree("WorkingDirectory", &["-/tmp/"], &[s("!/tmp")])?;
    agree("WorkingDirectory", &[], &[s("!/home/x")])?;
    let mut hash = [0; 16];
    hash[15] = 255;
    agree("RootHash", &["0000000000000000 00000000000000FF"], &[ay(&hash), s("")])?;
    agree("RootHash", &["/h"], &[ay(&[]), s("/h")])?;
    agree("RootHash", &[], &[ay(&[])])?;
    agree("Slice", &[], &[s("system-x.slice")])?;
    agree("StandardOutput", &[], &[s("journal")])?;
    ensure!(published("StandardOutput", &[s("file")])? == Published::InPart);
    ensure!(published("RootHashSignature", &[ay(&[1]), s("")])? == Published::InPart);
    ensure!(published("Slice", &[t(1)])? == Published::Odd);
    ensure!(published("LimitCPU", &[i(-1)])? == Published::Odd);
    Ok(())
}

#[test]
fn sets_of_file_systems_are_their_members() -> Result<()> {
    let list = |allows, names: BusValue| r([b(allows), names]);
    agree(
        "RestrictFileSystems",
        &["@temporary ext4"],
        &[list(true, a([s("ext4"), s("ramfs"), s("tmpfs")]))],
    )?;
    agree(
        "RestrictFileSystems",
        &["~tracefs", "~@privileged-api", "debugfs"],
        &[list(false, a([s("bpf"), s("pstore"), s("tracefs")]))],
    )?;
    // What systemd-analyze verify of 252, 257 and 262 says of it; case counts. A name that is not known is published.
    let (value, remarks) = written("RestrictFileSystems", &["@nosuch ext4 @Temporary nofs"])?;
    let Value::Names(filter) = value else { anyhow::bail!("{value:?}") };
    ensure!(filter.names == ["ext4".to_owned(), "nofs".to_owned()].into(), "{filter:?}");
    let about = |remark: &Remark, word: &str| matches!(remark, Remark::Misread(text) if text.contains(word));
    ensure!(remarks.len() == 3, "{remarks:?}");
    ensure!(["@nosuch", "@Temporary", "nofs"].iter().zip(&remarks).all(|(word, remark)| about(remark, word)));
    Ok(())
}

/// What systemd-analyze verify of 252, 257 and 262 says of values that are none: it ignores the assignment, and what was
/// said before stays.
#[test]
fn what_is_no_value_leaves_what_was_said() -> Result<()> {
    for (name, good, bad) in [
        ("LimitNOFILE", "64", &["", "x"][..]),
        ("CPUSchedulingPriority", "5", &["", "x"]),
        ("LogLevelMax", "err", &["", "x"]),
        ("RuntimeMaxSec", "5", &["", "x"]),
        ("WatchdogSec", "5", &["", "10min 5x"]),
        ("FileDescriptorStoreMax", "5", &["", "x"]),
        ("StandardOutput", "null", &["", "yes", "data", "file:rel", "fd:a:b"]),
        ("StandardInput", "null", &["", "journal", "append:/x"]),
        ("Slice", "a.slice", &["", "a", "a.service", "a@b.slice"]),
        ("BusName", "a.b", &["", "a", "a.1"]),
        ("LogNamespace", "a", &["a/b", "a b", "~x"]),
        ("Personality", "x86", &["arm", "yes"]),
        ("RootHash", "/h", &["yes", "abc", "00ff"]),
        ("RootHashSignature", "/h", &["yes", "base64:!"]),
        ("WorkingDirectory", "/x", &["-x", "-/a/../b"]),
        ("StateDirectory", "a", &["/abs", "../x", "a/../b", ":", "private/x", "x:/y"]),
        ("ConfigurationDirectory", "a", &["/abs", "x:y", ":"]),
        ("PassEnvironment", "A", &["1", "A=b", "a-b"]),
        ("UnsetEnvironment", "A", &["1", "é"]),
        ("ReadWritePaths", "/a", &["rel", "\"unclosed"]),
    ] {
        for bad in bad {
            let (value, remarks) = written(name, &[good, bad])?;
            ensure!(value == written(name, &[good])?.0, "{name}={bad}: {value:?}");
            ensure!(matches!(&*remarks, [Remark::Ignored(_)]), "{name}={bad}: {remarks:?}");
        }
    }
    for bad in ["x", "/a/../b", "bananas"] {
        let (_, remarks) = written("WorkingDirectory", &[bad])?;
        ensure!(matches!(&*remarks, [Remark::Refused(_)]), "{bad}: {remarks:?}");
    }
    ensure!(
        written("StandardOutput", &["syslog+console"])? == written("StandardOutput", &["journal+console"])?
    );
    // Words before a quote that stays open count; what cannot name an interface is left out alone.
    let (value, remarks) = written("RestrictAddressFamilies", &["AF_INET \"AF_INET6"])?;
    ensure!(value == written("RestrictAddressFamilies", &["AF_INET"])?.0, "{value:?}");
    ensure!(matches!(&*remarks, [Remark::Ignored(text)] if text.contains("quote")), "{remarks:?}");
    let (value, remarks) =
        written("RestrictNetworkInterfaces", &["eth0 1 a/b all 50% 0x10 sixteen-letters1"])?;
    ensure!(value == written("RestrictNetworkInterfaces", &["eth0"])?.0 && remarks.len() == 6, "{remarks:?}");
    let (value, remarks) = written("JoinsNamespaceOf", &["a.service b \"c.service\" d.e @.service"])?;
    ensure!(value == written("JoinsNamespaceOf", &["a.service"])?.0 && remarks.len() == 4, "{remarks:?}");
    // Where the unit's file lies, and where credentials are, is absolute.
    for (name, open) in [("RootDirectory", "%Y"), ("ReadWritePaths", "%d/x"), ("BindPaths", "%Y/x")] {
        ensure!(written(name, &[open])?.1.is_empty(), "{name}={open}");
    }
    Ok(())
}

/// The lines that systemd-analyze verify of 252, 257 and 262 takes and does not take.
#[test]
fn credentials_are_taken_as_systemd_takes_them() -> Result<()> {
    let is_taken = |name: &str, line: &str, major: u16| -> Result<bool> {
        let mut remarks = Vec::new();
        let value = row(name)?.kind.assign(Value::Unset, line, &context(major), &mut remarks);
        let taken = matches!(&value, Value::Words(entries) if !entries.is_empty());
        ensure!(taken == remarks.is_empty(), "{line}: {remarks:?}");
        let shown = format!("{remarks:?}");
        ensure!(!name.starts_with("Set") || !shown.contains("c2VjcmV0"), "{line}: {shown}");
        Ok(taken)
    };
    for (line, taken) in [
        ("a:@@@@", false),
        ("a: Whxqht+dQJax1aZeCGLxm3hQgm", false),
        ("a:", false),
        ("a", false),
        ("a:abc", false),
        ("a:YWJj         ZGVm", true),
        ("a:YWJjZA==YWJj", false),
        ("a:YWJjZA= =", true),
        ("a:YWJjZA", false),
        ("\"a:YWJj\"", false),
        ("a:c2VjcmV0!", false),
        ("/x:c2VjcmV0", false),
        (":c2VjcmV0", false),
    ] {
        ensure!(is_taken("SetCredentialEncrypted", line, 252)? == taken, "{line}");
    }
    for line in ["a:YW_j", "a:YW-j"] {
        ensure!(!is_taken("SetCredentialEncrypted", line, 252)?, "{line}");
        ensure!(is_taken("SetCredentialEncrypted", line, 257)?, "{line}");
    }
    for (line, taken) in [
        ("a:%q", true),
        ("a:\\xzz", false),
        ("a:b\\x00c", true),
        ("a:b\\", false),
        ("a", false),
        ("a:", false),
    ] {
        ensure!(is_taken("SetCredential", line, 252)? == taken, "{line}");
    }
    for (line, taken) in [
        ("a:/etc/x", true),
        ("b", true),
        ("c:rel", true),
        ("d:a/b", false),
        ("a/b:/x", false),
        ("e:", true),
        ("f:/x:y z", true),
        (":/x", false),
        ("g:../x", false),
        ("h:/x/../y", false),
    ] {
        for name in ["LoadCredential", "LoadCredentialEncrypted"] {
            ensure!(is_taken(name, line, 252)? == taken, "{name}={line}");
        }
    }
    Ok(())
}

#[test]
fn all_file_systems_are_those_of_the_release() -> Result<()> {
    let all = |release: &str| -> Result<(NameFilter, Vec<Remark>)> {
        let context = Context { release: release.parse()?, ..context(252) };
        let mut remarks = Vec::new();
        let kind = &row("RestrictFileSystems")?.kind;
        match kind.assign(Value::Unset, "@known", &context, &mut remarks) {
            Value::Names(filter) => Ok((filter, remarks)),
            other => anyhow::bail!("{other:?}"),
        }
    };
    // systemd-analyze filesystems of Debian's packages.
    for (release, count) in [("252.39", 95), ("257.13", 96), ("262.1", 99)] {
        let (filter, remarks) = all(release)?;
        ensure!(filter.names.len() == count && remarks.is_empty(), "{release}: {filter:?} {remarks:?}");
    }
    let (filter, remarks) = all("255")?;
    ensure!(matches!(&*remarks, [Remark::NotKnown(text)] if text.contains("bcachefs")), "{remarks:?}");
    // What may be there or not is neither weaker nor stricter.
    let (with, _) = all("257.13")?;
    ensure!(with.compare(&filter) == Some(Ordering::Equal), "bcachefs is no difference");
    ensure!(with.excess(&filter).is_empty(), "{:?}", with.excess(&filter));
    let less = NameFilter { names: ["ext4".to_owned()].into(), ..filter.clone() };
    ensure!(less.compare(&filter) == Some(Ordering::Greater), "one is stricter than all");
    Ok(())
}

#[test]
fn less_is_stricter_where_it_is_a_limit() -> Result<()> {
    let compare = |name: &str, found: &[&str], wanted: &[&str]| -> Result<Option<Ordering>> {
        Ok(row(name)?.kind.compare(&written(name, found)?.0, &written(name, wanted)?.0))
    };
    for (name, found, wanted, expected) in [
        ("LimitNOFILE", "64:128", "128", Some(Ordering::Greater)),
        ("LimitNOFILE", "64:256", "128", None),
        ("LimitNOFILE", "64:256", "64:128", Some(Ordering::Less)),
        ("MemoryMax", "infinity", "1G", Some(Ordering::Less)),
        ("MemoryKSM", "yes", "no", Some(Ordering::Less)),
        ("SecureBits", "noroot keep-caps", "noroot", Some(Ordering::Greater)),
        ("CoredumpFilter", "elf-headers", "default", Some(Ordering::Greater)),
        ("KillMode", "process", "control-group", Some(Ordering::Less)),
        ("KillMode", "mixed", "control-group", None),
        ("PassEnvironment", "A B", "A", Some(Ordering::Less)),
    ] {
        let found_order = compare(name, &[found], &[wanted])?;
        ensure!(found_order == expected, "{name}: {found} and {wanted} are {found_order:?}");
    }
    ensure!(compare("AppArmorProfile", &[], &["x"])? == Some(Ordering::Less), "a profile confines");
    Ok(())
}
