use std::sync::Arc;

use super::*;
use crate::catalogue::{self, LabelFile, Namespace, Stage};
use crate::context::{Mode, UnitType};
use crate::process::{Fact, Filters, Hierarchy, Mounts, Status};
use crate::release::Release;
use crate::syscalls::Architecture;

const MANAGER_MOUNTS: &str =
    "1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n2 1 0:5 / /proc rw shared:2 - proc proc rw\n";

fn posture(assignments: &[(&str, &str)]) -> anyhow::Result<Posture> {
    posture_of(257, assignments)
}

fn posture_of(major: u16, assignments: &[(&str, &str)]) -> anyhow::Result<Posture> {
    let context = Context {
        release: Release::latest(major),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    };
    let mut posture = Posture::unset("x.service", context);
    for (number, (name, value)) in (1..).zip(assignments) {
        let directive = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
        posture.assign(directive, value, Origin::Line { path: Arc::from("/x"), line: number });
    }
    posture.settle(Stage::Load);
    Ok(posture)
}

/// A process of root that nothing confines.
fn plain(pid: u32) -> Process {
    Process {
        pid,
        name: "x".to_owned(),
        started: 1,
        program: Fact::Known("/usr/bin/x".to_owned()),
        status: Status {
            users: [0; 4],
            groups: [0; 4],
            supplementary: BTreeSet::new(),
            permitted: u64::MAX >> 23,
            effective: u64::MAX >> 23,
            bounding: u64::MAX >> 23,
            ambient: 0,
            no_new_privileges: Fact::Known(false),
            filters: Fact::Known(Filters { mode: 0, count: Some(0) }),
            umask: Fact::Known(0o022),
            processors: Fact::Known((0..4).collect()),
        },
        nice: 0,
        priority: 0,
        policy: 0,
        limits: Fact::Known([("Max open files".to_owned(), (1024, 4096))].into()),
        namespaces: Namespace::ALL.into_iter().zip((100..).map(Fact::Known)).collect(),
        user_map: Fact::Known("         0          0 4294967295\n".to_owned()),
        mounts: Fact::Known(Arc::new(Mounts::parse(MANAGER_MOUNTS))),
        oom_score_adjust: Fact::Known(0),
        core_dumps: Fact::Known(0x33),
        personality: Fact::Known(0),
        merges_pages: Fact::Known(false),
        labels: LabelFile::ALL.map(|module| (module, Fact::Missing)).into(),
        control_groups: Fact::Known(vec![Hierarchy { controllers: vec![], path: GROUP.to_owned() }]),
    }
}

const GROUP: &str = "/system.slice/x.service";

fn with_mounts(process: Process, more: &str) -> Process {
    let text = format!("{MANAGER_MOUNTS}{more}");
    let mut process = Process { mounts: Fact::Known(Arc::new(Mounts::parse(&text))), ..process };
    process.namespaces.insert(Namespace::Mount, Fact::Known(7));
    process
}

fn scene(processes: Vec<Process>) -> Scene<'static> {
    Scene {
        main: processes.first().map(|process| process.pid),
        processes,
        manager: Some(plain(1)),
        control_group: Some(ControlGroup {
            path: GROUP.to_owned(),
            unified: true,
            processes: vec![10],
            files: BTreeMap::new(),
        }),
        ids: (None, None),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        feature: &|_| Some(true),
        container: None,
        exempt: None,
        changed: false,
        resolve: &|path| Some(path.to_owned()),
    }
}

/// The verdict on one directive of a unit.
fn verdict(assignments: &[(&str, &str)], scene: &Scene<'_>) -> anyhow::Result<Verdict> {
    let (name, _) = assignments.last().ok_or_else(|| anyhow::anyhow!("no assignment"))?;
    let evidence = judge(&posture(assignments)?, scene);
    let found = evidence.into_iter().find(|evidence| evidence.directive.name == *name);
    Ok(found.ok_or_else(|| anyhow::anyhow!("nothing of {name}"))?.verdict)
}

fn word(assignments: &[(&str, &str)], process: Process) -> anyhow::Result<&'static str> {
    Ok(verdict(assignments, &scene(vec![process]))?.word())
}

fn lack(verdict: Verdict) -> anyhow::Result<Lack> {
    match verdict {
        Verdict::NotInForce(lack) => Ok(lack),
        other => anyhow::bail!("{other:?}"),
    }
}

#[test]
fn a_plain_process_disproves_what_is_declared() -> anyhow::Result<()> {
    let declared = [
        ("User", "1"),
        ("DynamicUser", "yes"),
        ("UMask", "0077"),
        ("CapabilityBoundingSet", "CAP_CHOWN"),
        ("NoNewPrivileges", "yes"),
        ("PrivateNetwork", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("ProtectProc", "invisible"),
        ("ReadOnlyPaths", "/etc"),
        ("SystemCallFilter", "@system-service"),
        ("LimitNOFILE", "1024"),
        ("Nice", "5"),
        ("CPUAffinity", "0"),
        ("MemoryMax", "1G"),
        ("AppArmorProfile", "x"),
        ("RootDirectory", "/srv"),
    ];
    for one in declared {
        assert_eq!(word(&[one], plain(10))?, "not-in-force", "{}", one.0);
    }
    Ok(())
}

#[test]
fn nothing_set_is_nothing_to_prove() -> anyhow::Result<()> {
    let same = [("ProtectSystem", "no"), ("PrivateTmp", "no"), ("UMask", "0022"), ("SystemCallFilter", "")];
    assert_eq!(judge(&posture(&same)?, &scene(vec![plain(10)])), []);
    assert_eq!(judge(&posture(&[("PrivateTmp", "yes")])?, &scene(vec![])), []);
    Ok(())
}

#[test]
fn capabilities_in_a_user_namespace_of_its_own_are_none() -> anyhow::Result<()> {
    let declared = [("CapabilityBoundingSet", "CAP_CHOWN")];
    let mut process = plain(10);
    process.status.bounding = 1;
    assert_eq!(word(&declared, process)?, "in-force");
    let mut process = plain(10);
    process.namespaces.insert(Namespace::User, Fact::Known(7));
    assert_eq!(word(&declared, process)?, "in-force");
    let mut process = plain(10);
    process.namespaces.insert(Namespace::User, Fact::Denied);
    assert_eq!(word(&declared, process)?, "not-readable");
    Ok(())
}

#[test]
fn filters_are_counted_beyond_those_of_the_manager() -> anyhow::Result<()> {
    let declared = [("RestrictRealtime", "yes"), ("LockPersonality", "yes")];
    let with = |count| {
        let mut process = plain(10);
        process.status.filters = Fact::Known(Filters { mode: 2, count });
        process
    };
    let mut scene = scene(vec![with(Some(7))]);
    assert_eq!(verdict(&declared, &scene)?.word(), "in-force");
    scene.processes = vec![with(None)];
    assert_eq!(verdict(&declared, &scene)?.word(), "in-force");
    // A container's manager starts with filters of its own.
    let mut manager = plain(1);
    manager.status.filters = Fact::Known(Filters { mode: 2, count: Some(5) });
    scene.manager = Some(manager);
    for (count, expected) in [
        (Some(7), "in-force"),
        (Some(6), "not-observable"),
        (Some(5), "not-in-force"),
        (None, "not-observable"),
    ] {
        scene.processes = vec![with(count)];
        assert_eq!(verdict(&declared, &scene)?.word(), expected, "{count:?}");
    }
    Ok(())
}

#[test]
fn mounts_are_judged_where_they_are_and_exceptions_are_left_out() -> anyhow::Result<()> {
    let read_only = "3 1 8:1 / / ro master:1 - ext4 /dev/a rw\n";
    let strict = ("ProtectSystem", "strict");
    assert_eq!(word(&[strict], with_mounts(plain(10), read_only))?, "in-force");
    let writable = with_mounts(plain(10), "");
    assert_eq!(word(&[("ReadWritePaths", "/"), strict], writable)?, "not-observable");
    let home = "3 1 0:9 /systemd/inaccessible/dir /home ro - tmpfs tmpfs rw\n";
    let found = verdict(&[("ProtectHome", "yes")], &scene(vec![with_mounts(plain(10), home)]))?;
    assert!(lack(found)?.expected.contains("/root"));
    let tmp = "3 1 8:1 /tmp/systemd-private-1/tmp /tmp rw - ext4 /dev/a rw\n\
               4 1 8:1 /var/tmp/systemd-private-1/tmp /var/tmp rw - ext4 /dev/a rw\n";
    assert_eq!(word(&[("PrivateTmp", "yes")], with_mounts(plain(10), tmp))?, "in-force");
    let optional = [("ReadOnlyPaths", "-/nowhere")];
    let mut scene = scene(vec![plain(10)]);
    scene.resolve = &|_| None;
    assert_eq!(judge(&posture(&optional)?, &scene)[0].verdict.word(), "not-observable");
    Ok(())
}

#[test]
fn a_helper_with_mounts_of_its_own_disproves_nothing() -> anyhow::Result<()> {
    let main = with_mounts(plain(10), "3 1 8:1 / / ro - ext4 /dev/a rw\n");
    let mut helper = plain(11);
    helper.namespaces.insert(Namespace::Mount, Fact::Known(8));
    let strict = [("ProtectSystem", "strict")];
    assert_eq!(verdict(&strict, &scene(vec![main.clone(), helper]))?.word(), "in-force");
    // One among the manager's mounts is outside of the sandbox.
    let found = lack(verdict(&strict, &scene(vec![main, plain(11)]))?)?;
    assert_eq!(found.process, Some((11, "/usr/bin/x".to_owned())));
    Ok(())
}

#[test]
fn control_files_say_limits_and_their_absence_is_none() -> anyhow::Result<()> {
    let cases = [
        ("MemoryMax", "64M", "memory.max", "67108864", "in-force"),
        ("MemoryMax", "64M", "memory.max", "max", "not-in-force"),
        ("CPUQuota", "50%", "cpu.max", "50000 100000", "in-force"),
        ("CPUQuota", "50%", "cpu.max", "max 100000", "not-in-force"),
        ("AllowedCPUs", "0-1", "cpuset.cpus", "0-1", "in-force"),
        ("AllowedCPUs", "0-1", "cpuset.cpus", "0-2", "not-in-force"),
        ("IOWeight", "50", "io.weight", "default 50\n8:0 7", "in-force"),
        ("TasksMax", "50", "pids.max", "odd", "not-observable"),
    ];
    for (name, value, file, text, expected) in cases {
        let mut scene = scene(vec![plain(10)]);
        let group = scene.control_group.as_mut().ok_or_else(|| anyhow::anyhow!("no group"))?;
        group.files.insert(file, Fact::Known(text.to_owned()));
        assert_eq!(verdict(&[(name, value)], &scene)?.word(), expected, "{name}={value}: {text}");
    }
    let memory = [("MemoryMax", "64M")];
    let found = lack(verdict(&memory, &scene(vec![plain(10)]))?)?;
    assert_eq!(found.why.as_deref(), Some("its control group has no controller `memory`"));
    assert_eq!((found.severity, found.process), (Severity::Notice, None));
    let mut process = plain(10);
    let version_1 = Hierarchy { controllers: vec!["memory".to_owned()], path: GROUP.to_owned() };
    process.control_groups = Fact::Known(vec![version_1]);
    assert_eq!(word(&memory, process)?, "not-observable");
    Ok(())
}

#[test]
fn programs_are_only_known_where_there_can_be_none() -> anyhow::Result<()> {
    let deny = [("SocketBindDeny", "any")];
    let mut scene = scene(vec![plain(10)]);
    assert_eq!(verdict(&deny, &scene)?.word(), "not-observable");
    scene.feature = &|name| Some(name != "BPF_FRAMEWORK");
    let found = lack(verdict(&deny, &scene)?)?;
    assert_eq!(found.why.as_deref(), Some("the manager was built without BPF_FRAMEWORK"));
    assert_eq!(found.severity, Severity::Notice);
    let ip = [("IPAddressDeny", "any")];
    assert_eq!(verdict(&ip, &scene)?.word(), "not-observable");
    if let Some(group) = scene.control_group.as_mut() {
        group.unified = false;
    }
    assert_eq!(verdict(&ip, &scene)?.word(), "not-in-force");
    assert_eq!(verdict(&[("DevicePolicy", "closed")], &scene)?.word(), "not-observable");
    let mut manager = plain(1);
    manager.status.effective = 0;
    scene.manager = Some(manager);
    if let Some(group) = scene.control_group.as_mut() {
        group.unified = true;
    }
    assert_eq!(verdict(&ip, &scene)?.word(), "not-in-force");
    Ok(())
}

#[test]
fn what_a_program_may_change_itself_counts_only_where_files_changed() -> anyhow::Result<()> {
    let declared = [("UMask", "0077")];
    let mut scene = scene(vec![plain(10)]);
    assert_eq!(lack(verdict(&declared, &scene)?)?.severity, Severity::Notice);
    scene.changed = true;
    let found = lack(verdict(&declared, &scene)?)?;
    assert_eq!(found.severity, Severity::Finding);
    assert!(found.why.is_some_and(|why| why.contains("systemctl restart x.service")));
    // What opens is never weaker for being absent, nor is what says nothing about confinement.
    let opens = [("ProtectSystem", "strict"), ("ReadWritePaths", "/a")];
    scene.processes = vec![with_mounts(plain(10), "3 1 8:1 / / ro - ext4 /dev/a rw\n")];
    assert_eq!(lack(verdict(&opens, &scene)?)?.severity, Severity::Notice);
    assert_eq!(lack(verdict(&[("Nice", "5")], &scene)?)?.severity, Severity::Notice);
    Ok(())
}

#[test]
fn findings_have_ids_and_what_cannot_be_read_is_told_once() -> anyhow::Result<()> {
    let mut process = plain(10);
    for kind in [Namespace::Network, Namespace::Ipc] {
        process.namespaces.insert(kind, Fact::Denied);
    }
    let declared = [("NoNewPrivileges", "yes"), ("PrivateNetwork", "yes"), ("PrivateIPC", "yes")];
    let mut scene = scene(vec![process]);
    scene.container = Some("docker".to_owned());
    let told = findings(&judge(&posture(&declared)?, &scene));
    let ids: Vec<_> = told.iter().map(|finding| (finding.id.as_ref(), finding.severity)).collect();
    let expected = [
        ("evidence.not-in-force.NoNewPrivileges", Severity::Finding),
        ("evidence.not-readable", Severity::Notice),
    ];
    assert_eq!(ids, expected);
    assert_eq!(told[0].subject.as_deref(), Some("process 10 (/usr/bin/x)"));
    assert!(told[0].text.contains("docker"), "{}", told[0].text);
    assert!(
        told[1].text.contains("2 directives") && told[1].text.contains("/proc/10/ns/"),
        "{}",
        told[1].text
    );
    Ok(())
}

/// A process of which no more is known than these parts.
fn asked(process: Process, parts: &BTreeSet<Part>) -> Process {
    fn part<T>(fact: Fact<T>, asked: bool) -> Fact<T> {
        if asked { fact } else { Fact::NotAsked }
    }
    let has = |part: Part| parts.contains(&part);
    Process {
        limits: part(process.limits, has(Part::Limits)),
        namespaces: process.namespaces.into_iter().filter(|(kind, _)| has(Part::Namespace(*kind))).collect(),
        user_map: part(process.user_map, has(Part::UserMap)),
        mounts: part(process.mounts, has(Part::Mounts)),
        oom_score_adjust: part(process.oom_score_adjust, has(Part::OomScoreAdjust)),
        core_dumps: part(process.core_dumps, has(Part::CoreDumps)),
        personality: part(process.personality, has(Part::Personality)),
        merges_pages: part(process.merges_pages, has(Part::MergesPages)),
        labels: process.labels.into_iter().filter(|(module, _)| has(Part::Label(*module))).collect(),
        control_groups: part(process.control_groups, has(Part::ControlGroups)),
        ..process
    }
}

#[test]
fn the_parts_of_a_process_that_are_asked_for_are_all_that_its_unit_is_proved_by() -> anyhow::Result<()> {
    let words = [
        "yes",
        "no",
        "/x",
        "/a:/x",
        "5",
        "5%",
        "0077",
        "x86",
        "slave",
        "CAP_CHOWN",
        "user.slice",
        "all",
        "x",
        "/dev/null rw",
        "10.0.0.0/8",
        "isolated",
        "device:/x",
    ];
    let mut proved = BTreeSet::new();
    for directive in catalogue::all() {
        let Proof::By(signs) = directive.proof else { continue };
        let of_signs = signs.iter().flat_map(|sign| sign.at).copied();
        let of_row = directive.hardened.iter().flat_map(|hardening| hardening.lines).copied();
        for word in words.into_iter().chain(of_signs).chain(of_row) {
            let posture = posture_of(262, &[(directive.name, word)])?;
            let all = scene(vec![plain(10), with_mounts(plain(11), "3 1 8:2 / /x rw - tmpfs tmpfs rw\n")]);
            let parts = process_parts(&posture, all.control_group.as_ref());
            let processes = all.processes.iter().map(|process| asked(process.clone(), &parts)).collect();
            let evidence = judge(&posture, &all);
            assert_eq!(judge(&posture, &scene(processes)), evidence, "{}={word}", directive.name);
            proved.extend(evidence.iter().map(|evidence| evidence.directive.name));
        }
    }
    let signed = catalogue::all().iter().filter(|directive| matches!(directive.proof, Proof::By(_)));
    let missed: Vec<_> =
        signed.map(|directive| directive.name).filter(|name| !proved.contains(name)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    Ok(())
}
