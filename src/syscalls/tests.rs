use anyhow::{Context, Result};

use super::libseccomp::Libseccomp;
use super::*;

const DEBIAN_12: Release = Release { major: 252, minor: 39 };
const DEBIAN_13: Release = Release { major: 257, minor: 13 };
const NEWEST: Release = Release::first(262);

fn at(release: &str) -> Result<Release> {
    match release.split_once('.') {
        Some(_) => release.parse(),
        None => Ok(Release { minor: 0, ..release.parse()? }),
    }
}

fn call(name: &str) -> Result<Call> {
    Call::find(name).with_context(|| format!("no system call {name}"))
}

fn count(name: &str, release: Release) -> Option<usize> {
    set(name, release).map(|calls| calls.len())
}

#[test]
fn every_nested_set_is_one_of_the_same_release() {
    let releases = (240..=263).flat_map(|major| [Release::first(major), Release::latest(major)]);
    for release in releases {
        for name in sets(release) {
            for nested in nested(name, release) {
                assert!(set(nested, release).is_some(), "{nested} in {name} of {release}");
            }
        }
    }
}

#[test]
fn every_call_is_found_by_its_name() {
    assert_eq!(CallSet::all().len(), table::len());
    for call in CallSet::all().iter() {
        assert_eq!(Call::find(call.name()), Some(call));
    }
    assert!(Call::find("@swap").is_none() && Call::find("").is_none() && Call::find("Read").is_none());
}

#[test]
fn the_walk_and_the_set_agree() {
    for release in [Release::first(240), DEBIAN_12, DEBIAN_13, NEWEST] {
        for name in sets(release) {
            let walk = members(name, release).unwrap_or_default();
            assert_eq!(Some(walk.len()), count(name, release), "{name} of {release} names a call twice");
            assert_eq!(Some(walk.iter().filter_map(|name| Call::find(name)).collect()), set(name, release));
        }
    }
}

#[test]
fn sets_have_the_size_that_systemd_prints() -> Result<()> {
    for (name, sizes) in [
        ("@default", [63, 70, 70]),
        ("@file-system", [77, 87, 88]),
        ("@obsolete", [27, 27, 27]),
        ("@privileged", [53, 53, 53]),
        ("@resources", [13, 13, 13]),
        ("@mount", [12, 12, 12]),
        ("@known", [536, 556, 561]),
    ] {
        assert_eq!(
            [DEBIAN_12, DEBIAN_13, NEWEST].map(|release| count(name, release)),
            sizes.map(Some),
            "{name}"
        );
    }
    for (release, size) in [
        ("240", 338),
        ("242", 338),
        ("247.3", 367),
        ("252", 370),
        ("252.39", 376),
        ("254.26", 380),
        ("257.13", 394),
        ("262", 395),
    ] {
        assert_eq!(count("@system-service", at(release)?), Some(size), "{release}");
    }
    Ok(())
}

#[test]
fn members_stand_in_walking_order() {
    assert_eq!(members("@swap", DEBIAN_12), Some(vec!["swapoff", "swapon"]));
    assert_eq!(nested("@privileged", NEWEST), ["@chown", "@clock", "@module", "@raw-io", "@reboot", "@swap"]);
    let privileged = members("@privileged", DEBIAN_12).unwrap_or_default();
    assert_eq!(privileged.get(..9), Some(&PRIVILEGED_252[..]));
    assert!(nested("@swap", NEWEST).is_empty());
}

const PRIVILEGED_252: [&str; 9] =
    ["chown", "chown32", "fchown", "fchown32", "fchownat", "lchown", "lchown32", "adjtimex", "clock_adjtime"];

#[test]
fn every_release_has_the_assessed_sets_and_some_have_more() -> Result<()> {
    for major in 240..=262 {
        let sets = sets(Release::first(major));
        assert!(ASSESSED.iter().all(|name| sets.contains(name)), "{major}");
    }
    assert_eq!(set("@known", Release::latest(246)), None);
    assert!(set("@known", Release::first(247)).is_some());
    assert_eq!(set("@sandbox", Release::latest(253)), None);
    assert!(set("@sandbox", at("254")?).is_some());
    for unknown in ["@no-such-set", "swap", "", "@"] {
        assert_eq!((set(unknown, NEWEST), members(unknown, NEWEST)), (None, None), "{unknown}");
    }
    Ok(())
}

#[test]
fn branches_change_on_their_own() -> Result<()> {
    let uretprobe = call("uretprobe")?;
    for (release, there) in
        [("252.31", false), ("252.39", true), ("253.26", false), ("255.13", false), ("257", true)]
    {
        let default = set("@default", at(release)?).context("@default is there")?;
        assert_eq!(default.contains(uretprobe), there, "{release}");
    }
    Ok(())
}

#[test]
fn releases_that_were_not_examined_follow_the_one_before() -> Result<()> {
    for (asked, answered) in [
        ("243.5", "243.4"),
        ("252.35", "252.31"),
        ("252.50", "252.39"),
        ("261", "260.1"),
        ("261.2", "260.1"),
        ("270.1", "262"),
    ] {
        for name in sets(at(answered)?) {
            assert_eq!(set(name, at(asked)?), set(name, at(answered)?), "{name} of {asked}");
        }
    }
    assert_eq!(count("@default", Release::latest(252)), count("@default", DEBIAN_12));
    assert!(sets(Release::latest(238)).is_empty());
    Ok(())
}

#[test]
fn the_library_decides_which_members_count() -> Result<()> {
    let debian_12 = Libseccomp::shipped_with(DEBIAN_12);
    assert_eq!(debian_12.to_string(), "2.5.4-1+deb12u1");
    let emulation = set("@cpu-emulation", DEBIAN_12).context("@cpu-emulation is there")?;
    let on = |architecture| debian_12.native(architecture).among(&emulation).map(|calls| calls.len());
    assert_eq!(on(Architecture::Arm64), Some(0));
    assert_eq!(on(Architecture::X86_64), Some(1));
    assert_eq!(on(Architecture::Ppc64), None);
    for architecture in [Architecture::X86, Architecture::Ppc64Le, Architecture::S390x] {
        let native = debian_12.native(architecture);
        for name in ASSESSED {
            let calls = set(name, DEBIAN_12).context("an assessed set is there")?;
            assert!(native.among(&calls).is_some(), "{name} on {architecture}");
        }
        assert_eq!(native.has(call("read")?), None);
        assert_eq!(
            Libseccomp::shipped_with(Release::first(247)).native(architecture).has(call("mount")?),
            None
        );
    }
    Ok(())
}

#[test]
fn a_distribution_build_knows_more_than_its_upstream_release() -> Result<()> {
    let [upstream, debian] = ["2.5.4", "2.5.4-1+deb12u1"].map(Libseccomp::find);
    let (upstream, debian) = (upstream.context("2.5.4")?, debian.context("Debian's 2.5.4")?);
    let added: Vec<_> = debian.known().difference(&upstream.known()).iter().map(Call::name).collect();
    assert_eq!(
        added,
        ["cachestat", "fchmodat2", "futex_requeue", "futex_wait", "futex_wake", "map_shadow_stack"]
    );
    assert!(upstream.known().is_subset(&debian.known()));
    assert_eq!(debian.native(Architecture::X32).has(call("map_shadow_stack")?), Some(false));
    assert_eq!(debian.native(Architecture::X86_64).has(call("map_shadow_stack")?), Some(true));
    Ok(())
}

#[test]
fn a_name_that_vanished_for_two_libraries_is_back_in_the_third() -> Result<()> {
    let setrlimit = call("setrlimit")?;
    for (version, native) in [("2.4.1", true), ("2.4.2", false), ("2.4.3", false), ("2.4.4", true)] {
        let library = Libseccomp::find(version).context("examined")?;
        assert_eq!(library.native(Architecture::Arm64).has(setrlimit), Some(native), "{version}");
    }
    Ok(())
}

#[test]
fn libraries_before_an_architecture_say_nothing_of_it() -> Result<()> {
    let library = Libseccomp::find("2.4.4").context("examined")?;
    assert_eq!(library.native(Architecture::Riscv64).has(call("read")?), None);
    assert_eq!(library.native(Architecture::Arm64).has(call("read")?), Some(true));
    assert_eq!(
        library.native(Architecture::Ppc).has(call("osf_mount")?),
        Some(false),
        "unknown to any library"
    );
    Ok(())
}

#[test]
fn package_versions_lead_to_the_release_before() {
    let label = |version| Libseccomp::find(version).map(|library| library.to_string());
    for (version, found) in
        [("2.5.3-2ubuntu2", "2.5.3"), ("2.6.0-2", "2.6.0"), ("2.5.9", "2.5.6"), ("3.0", "2.6.1")]
    {
        assert_eq!(label(version).as_deref(), Some(found), "{version}");
    }
    assert_eq!([label("2.3.2"), label("unknown"), label("")], [None, None, None]);
}

#[test]
fn a_call_is_known_from_the_library_that_brought_it() -> Result<()> {
    for (name, first) in [("read", 240), ("openat2", 246), ("cachestat", 252), ("listns", 262)] {
        assert!(is_known(call(name)?, Release::first(first)), "{name}");
        assert_eq!(is_known(call(name)?, Release::latest(first - 1)), name == "read", "{name}");
    }
    assert!(!is_known(call("osf_mount")?, NEWEST));
    Ok(())
}

#[test]
fn libraries_are_not_taken_for_each_other() {
    let asked = [DEBIAN_13, NEWEST, DEBIAN_13].map(|release| {
        let library = Libseccomp::shipped_with(release);
        (library.known(), library.native(Architecture::X86_64), library.native(Architecture::Arm64))
    });
    assert_eq!(asked[0], asked[2]);
    assert_ne!(asked[0].0, asked[1].0);
    assert_ne!(asked[0].1, asked[1].1);
    assert_ne!(asked[0].1, asked[0].2);
}

#[test]
fn every_release_has_a_library() {
    for major in 240..=263 {
        let library = Libseccomp::shipped_with(Release::first(major));
        assert_eq!(Libseccomp::find(&library.to_string()), Some(library), "{major}");
    }
}

#[test]
fn call_sets_reckon_as_sets_do() -> Result<()> {
    let [first, second, third] = [call("_llseek")?, call("read")?, call("writev")?];
    let mut set = CallSet::EMPTY;
    assert!(set.insert(second) && set.insert(first) && !set.insert(second));
    assert_eq!(set.iter().collect::<Vec<_>>(), [first, second]);
    let other: CallSet = [second, third].into_iter().collect();
    assert_eq!(set.union(&other).len(), 3);
    assert_eq!(set.intersection(&other).iter().collect::<Vec<_>>(), [second]);
    assert_eq!(set.difference(&other).iter().collect::<Vec<_>>(), [first]);
    assert!(set.difference(&other).is_disjoint(&other) && !set.is_disjoint(&other) && !set.is_subset(&other));
    assert!(set.remove(second) && !set.remove(second) && set.contains(first) && !set.contains(second));
    assert_eq!(format!("{set:?}"), "{_llseek}");
    Ok(())
}
