//! Manifests: one is refused with the places of what is wrong, or everything that is rendered from it says what it
//! says and nothing else.

use std::collections::BTreeMap;

use systemd_harden::catalogue::FOR_MANIFESTS;
use systemd_harden::lint;
use systemd_harden::manifest::words::{Argument, DirectiveName};
use systemd_harden::manifest::{Command, Manifest, ManifestError, Service, Source, Sources, load};
use systemd_harden::policy::{Planned, plan, policy};
use systemd_harden::posture::{Origin, Posture};
use systemd_harden::render::{File, FileKind, Form, render, target_context};
use systemd_harden::target::{self, Target, fit};
use systemd_harden::unit_file::{Assignment, Escapes, Quotes, split};
use systemd_harden::unit_posture::read;

use super::input::{Choices, cases, line_count, parts, unit_text};
use super::output;

/// The manifest, and its drop-ins as further parts.
pub fn holds(data: &[u8]) {
    let (choices, data) = Choices::take(data);
    let parts = parts(data);
    let Some(((_, main), more)) = parts.split_first() else { return };
    let names: Vec<String> = (0..more.len()).map(|place| format!("a.toml.d/{place}.toml")).collect();
    let drop_ins = names.iter().zip(more).map(|(path, (_, bytes))| Source { path, bytes }).collect();
    let sources = Sources { main: Source { path: "a.toml", bytes: main }, drop_ins };
    let manifest = match load(&sources, &FOR_MANIFESTS) {
        Ok(manifest) => manifest,
        Err(error) => return is_told(&error, &sources),
    };
    for notice in &manifest.notices {
        output::is_plain(&notice.to_string());
    }
    let several = target::targets(&["debian-12,rhel-9,systemd-257".to_owned()]).expect("known targets");
    is_rendered(&manifest, &[choices.target()]);
    if choices.has("several") {
        is_rendered(&manifest, &several);
    }
    if choices.has("drop-in") {
        drop_ins_only_harden(&manifest, &[choices.target()]);
    }
    if let Ok(report) = lint::lint(&manifest, &several) {
        output::is_plain(&lint::text(&report));
        output::is_json(&lint::json(&[report]).expect("a report is JSON"));
    }
}

/// Every problem has a place in one of the files, and is told without what a terminal would obey.
fn is_told(error: &ManifestError, sources: &Sources<'_>) {
    assert!(!error.problems.is_empty(), "refused without a reason");
    for problem in &error.problems {
        for place in std::iter::once(&problem.place).chain(problem.also.as_ref().map(|(place, _)| place)) {
            let files = std::iter::once(&sources.main).chain(&sources.drop_ins);
            let file =
                files.into_iter().find(|source| source.path == &*place.file).expect("a file that was given");
            let lines = line_count(file.bytes);
            assert!((1..=lines).contains(&place.line), "{problem}: {lines} lines");
            assert!(place.column >= 1);
        }
    }
    output::is_plain(&error.to_string());
}

/// What is rendered has the lines that it should have, and reads back as the policy.
pub fn is_rendered(manifest: &Manifest, targets: &[Target]) {
    let files = match render(manifest, targets, Form::Units) {
        Ok(files) => files,
        Err(error) => return output::is_plain(&format!("{error:#}")),
    };
    let fitted = fit(manifest, targets).expect("it was fitted when it was rendered").manifest;
    let mut units: BTreeMap<&str, Vec<Assignment>> = BTreeMap::new();
    for file in &files {
        match file.kind {
            FileKind::Unit | FileKind::UserUnit => {
                units.insert(&file.name, output::assignments(&file.name, &file.text));
            }
            FileKind::Sysusers => sysusers(manifest, file),
            FileKind::Tmpfiles => tmpfiles(file),
            FileKind::DropIn | FileKind::UserDropIn | FileKind::Manifest | FileKind::ManifestDropIn => {
                panic!("{:?} is no whole unit", file.kind)
            }
        }
    }
    let mut planned = plan(&fitted);
    for planned in &mut planned {
        planned.instance = Some("x".to_owned());
    }
    let sockets = fitted.sockets.len() + fitted.timers.len();
    assert_eq!(units.len(), planned.len() + sockets, "units {:?}", units.keys());
    for planned in &planned {
        let name = planned.unit_name();
        let lines = units.get(name.as_str()).expect("each service is rendered");
        service_says(&planned.service, lines);
        if let [target] = targets {
            reads_back(&fitted, planned, target, &files);
        }
    }
    for (stem, socket) in &fitted.sockets {
        let lines = units.get(format!("{stem}.socket").as_str()).expect("each socket is rendered");
        let wanted: Vec<_> = socket.listen.iter().map(|listen| listen.value.value()).collect();
        let found: Vec<_> = lines
            .iter()
            .filter(|line| line.key.starts_with("Listen"))
            .map(|line| line.value.clone())
            .collect();
        let literal = lines.len() > wanted.len() && found.len() > wanted.len();
        assert!(literal || found == wanted, "{found:?} is not {wanted:?}");
    }
}

/// Commands, variables and dependencies of a service are those of the manifest, word by word.
fn service_says(service: &Service, lines: &[Assignment]) {
    let literal: Vec<&str> =
        service.unit.values().flat_map(|keys| keys.keys()).map(DirectiveName::as_str).collect();
    let commands = [
        ("ExecCondition", &service.condition),
        ("ExecStartPre", &service.exec_before),
        ("ExecStart", &service.exec),
        ("ExecStartPost", &service.exec_after),
        ("ExecReload", &service.reload),
        ("ExecStop", &service.stop),
        ("ExecStopPost", &service.stop_after),
    ];
    for (key, commands) in commands.into_iter().filter(|(key, _)| !literal.contains(key)) {
        let written: Vec<&str> =
            lines.iter().filter(|line| line.key == key).map(|line| line.value.as_str()).collect();
        assert_eq!(written.len(), commands.0.len(), "{key}: {written:?}");
        for (written, command) in written.into_iter().zip(&commands.0) {
            command_says(command, written);
        }
    }
    let list = |key: &str| {
        let words = lines.iter().filter(|line| line.key == key).flat_map(|line| line.value.split(' '));
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    for (key, units) in
        [("Before", &service.before), ("Wants", &service.wants), ("Requires", &service.requires)]
    {
        let wanted: Vec<String> = units.iter().map(|unit| unit.as_str().to_owned()).collect();
        assert!(literal.contains(&key) || list(key) == wanted, "{key}: {:?} is not {wanted:?}", list(key));
    }
    if !literal.contains(&"Environment") {
        let written: Vec<String> = lines
            .iter()
            .filter(|line| line.key == "Environment")
            .flat_map(|line| {
                let words = split(&line.value, Quotes::Unquote, Escapes::CUnescape).expect("whole words");
                assert_eq!(words.len(), 1, "{:?} is one variable", line.value);
                words
            })
            .collect();
        for (name, value) in &service.environment {
            let wanted = format!("{}={}", name.as_str(), value.as_str());
            assert!(written.contains(&wanted), "{wanted:?} is not among {written:?}");
        }
    }
}

/// A line as systemd takes it apart: prefixes, program, arguments.
fn command_says(command: &Command, written: &str) {
    let plain = written.trim_start_matches(['-', '+']);
    let prefix = written.len() - plain.len();
    let wanted = usize::from(command.may_fail) + usize::from(command.unconfined.is_some());
    assert_eq!(prefix, wanted, "{written:?} has prefixes of its own");
    assert!(plain.starts_with('/') || plain.starts_with("\"/"), "{written:?} starts no program");
    let words = split(plain, Quotes::Unquote, Escapes::CUnescape).expect("whole words");
    let wanted: Vec<&str> = command.argv.iter().map(Argument::as_str).collect();
    assert_eq!(words, wanted, "{written:?}");
    // A `;` outside of quotes would begin another command.
    let mut outside = plain.split('"').step_by(2);
    assert!(
        plain.contains('\\') || outside.all(|text| !text.contains(';')),
        "{written:?} is more than one command"
    );
}

/// The rendered service as the release reads it is what the policy says.
fn reads_back(manifest: &Manifest, planned: &Planned<'_>, target: &Target, files: &[File]) {
    let context = target_context(target, manifest);
    let Ok(policy) = policy(manifest, planned, context, manifest.strictness) else {
        panic!("it was rendered, so its policy holds")
    };
    let name = planned.unit_name();
    let text = &files.iter().find(|file| file.name == name).expect("it is rendered").text;
    let unit = name.replace("@.service", "@x.service");
    let unit = unit_text(&unit, text.as_bytes(), &[]).expect("it is not refused");
    let name = unit.id.clone();
    let found = read(&unit, &Posture::unset(name.as_str(), context));
    if found.refused.is_some() {
        let told = lint::refused(manifest, std::slice::from_ref(target), files);
        assert!(told.is_err(), "systemd would refuse, and nobody says so:\n{text}");
        return;
    }
    // An override, or a literal line, may say what a release ignores: that is its author's word.
    let stated = !planned.service.overrides.is_empty() || !planned.service.unit.is_empty();
    assert!(stated || found.notices.is_empty(), "{:?} in\n{text}", found.notices);
    for ((row, found), (_, wanted)) in found.posture.iter().zip(policy.posture.iter()) {
        let (one, other) = (row.kind.write(&found.value), row.kind.write(&wanted.value));
        // How it runs is not the policy's to say.
        if !row.confines() && !matches!(wanted.origin, Origin::Policy(_)) {
            continue;
        }
        assert_eq!(one, other, "{}= in\n{text}", row.name);
    }
}

/// Lines of the four kinds, each with its fields, about users and groups that the manifest declares.
fn sysusers(manifest: &Manifest, file: &File) {
    for fields in output::fields(&file.name, &file.text) {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let user = |name: &str| manifest.users.keys().any(|known| known.as_str() == name);
        let group = |name: &str| manifest.groups.keys().any(|known| known.as_str() == name) || user(name);
        match fields.as_slice() {
            ["u", name, id, description, home, shell] => {
                let (id, primary) = id.split_once(':').unwrap_or((id, "root"));
                assert!(user(name) && (id == "-" || id.parse::<u32>().is_ok()), "{fields:?}");
                assert!(primary == "root" || group(primary), "{fields:?}");
                assert!(!description.contains([':', '%']), "{fields:?}");
                assert!(
                    [home, shell].iter().all(|path| path.starts_with('/') || **path == "-"),
                    "{fields:?}"
                );
            }
            ["g", name, id] => {
                assert!(group(name) && (*id == "-" || id.parse::<u32>().is_ok()), "{fields:?}");
            }
            ["m", name, to] => assert!(user(name) && group(to), "{fields:?}"),
            _ => panic!("{fields:?} is no line of sysusers.d"),
        }
    }
}

/// Lines of the three kinds that are written, each with its fields.
fn tmpfiles(file: &File) {
    for fields in output::fields(&file.name, &file.text) {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let ["d" | "f" | "z", path, mode, user, group, "-"] = fields.as_slice() else {
            panic!("{fields:?} is no line that is written to tmpfiles.d")
        };
        assert!(path.starts_with('/') && !path.contains("/../"), "{fields:?}");
        let specifiers = path.replace("%%", "");
        assert!(!specifiers.contains('%'), "{fields:?}");
        let plain = |field: &str| field.trim_start_matches(':').to_owned();
        assert!(*mode == "-" || u32::from_str_radix(&plain(mode), 8).is_ok(), "{fields:?}");
        for name in [user, group] {
            let name = plain(name);
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            assert!(!name.is_empty() && name.chars().all(fits), "{fields:?}");
        }
    }
}

/// A drop-in has confining lines alone, and no commands or sections of its own.
fn drop_ins_only_harden(manifest: &Manifest, targets: &[Target]) {
    let Ok(files) = render(manifest, targets, Form::DropIns) else { return };
    for file in files {
        for line in output::assignments(&file.name, &file.text) {
            let marks = line.section == "X-SystemdHarden";
            let row = systemd_harden::catalogue::find(&line.key);
            assert!(marks || row.is_some(), "{} holds {}=", file.name, line.key);
        }
    }
}

/// Every manifest of the cases and of the shipped ones, drop-ins behind them.
pub fn seeds() -> Vec<Vec<u8>> {
    let found = cases(
        &["tests/cases/manifests", "tests/cases/manifest-errors", "tests/cases/generate", "units"],
        &[".toml"],
    );
    let choose = |place: usize| match place % 4 {
        0 => "#: 262\n",
        1 => "#: 252 several\n",
        2 => "#: 257 drop-in\n",
        _ => "#: 245\n",
    };
    let main = found.iter().filter(|(path, _)| !path.to_string_lossy().contains(".toml.d/"));
    main.enumerate()
        .map(|(place, (path, text))| {
            let folder = format!("{}.d/", path.to_string_lossy());
            let drop_ins = found.iter().filter(|(path, _)| path.to_string_lossy().starts_with(&folder));
            let drop_ins: Vec<u8> =
                drop_ins.flat_map(|(_, text)| [b"\n--- x\n".as_slice(), text].concat()).collect();
            [choose(place).as_bytes(), text, &drop_ins].concat()
        })
        .collect()
}
