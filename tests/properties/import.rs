//! Imports: what is made of a unit that systemd reads is a manifest that loads and renders, and the rendered unit is
//! nowhere weaker than the unit, and says what the unit says.

use systemd_harden::catalogue::{self, FOR_MANIFESTS};
use systemd_harden::drift::{self, Relation};
use systemd_harden::import::hints::Looked;
use systemd_harden::import::{Imported, Snippet, Subject, import, starts};
use systemd_harden::manifest::{Scope, Source, Sources, load};
use systemd_harden::posture::{Origin, Posture};
use systemd_harden::render::{FileKind, context_of};
use systemd_harden::target::Target;
use systemd_harden::unit_file::UnitText;
use systemd_harden::unit_posture::read;

use super::input::{Choices, cases, parts, unit_text};
use super::{manifest, output};

/// The service, and as further parts `drop-in`, `socket`, `timer`, `sysusers` and `tmpfiles`.
pub fn holds(data: &[u8]) {
    let (choices, data) = Choices::take(data);
    let parts = parts(data);
    let named = |name: &str| {
        parts.iter().filter(|(known, _)| known == name).map(|(_, text)| *text).collect::<Vec<_>>()
    };
    let stem = if choices.has("instance") { "a@x" } else { "a" };
    let Some((_, fragment)) = parts.first() else { return };
    let Some(service) = unit_text(&format!("{stem}.service"), fragment, &named("drop-in")) else { return };
    let unit = |kind: &str| {
        let texts = named(kind);
        let unit = unit_text(&format!("{stem}.{kind}"), texts.first()?, &[])?;
        Some(unit).filter(|unit| starts(unit, &service.id))
    };
    let snippet = |kind: &str| {
        let texts = named(kind).into_iter();
        texts
            .filter_map(|text| String::from_utf8(text.to_vec()).ok())
            .map(|text| Snippet { path: format!("/usr/lib/{kind}.d/a.conf"), text })
            .collect()
    };
    let scope = if choices.has("user") { Scope::User } else { Scope::System };
    let (sockets, timers) = (unit("socket").into_iter().collect(), unit("timer").into_iter().collect());
    let (users, files) = (snippet("sysusers"), snippet("tmpfiles"));
    let subject = Subject { sockets, timers, users, files, scope, service, looked: Looked::default() };
    comes_back(&subject, &choices.target());
}

/// Imports, and compares what is rendered with what was imported.
pub fn comes_back(subject: &Subject, target: &Target) -> Option<Imported> {
    let imported = match import(subject, target, None) {
        Ok(imported) => imported,
        Err(error) => {
            assert!(!format!("{error:#}").is_empty());
            return None;
        }
    };
    output::is_plain(&imported.text);
    let source = Source { path: "a.toml", bytes: imported.text.as_bytes() };
    let loaded = load(&Sources { main: source, drop_ins: Vec::new() }, &FOR_MANIFESTS);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}\n{}", imported.text));
    manifest::is_rendered(&loaded, std::slice::from_ref(target));
    let is_unit = |kind| matches!(kind, FileKind::Unit | FileKind::UserUnit);
    let mut services =
        imported.files.iter().filter(|file| is_unit(file.kind) && file.name.ends_with(".service"));
    let file = services.next().expect("the service is rendered");
    let id = subject.service.id.as_str();
    let back = unit_text(id, file.text.as_bytes(), &[]).expect("the rendered unit is not refused");
    let context = context_of(target, subject.scope);
    let posture = |text: &UnitText| read(text, &Posture::unset(id, context)).posture;
    let (found, made) = (posture(&subject.service), posture(&back));
    let mut wanted = found.clone();
    for row in catalogue::all().iter().filter(|row| found.get(row).origin != Origin::Default) {
        wanted.put(row, found.get(row).value.clone(), Origin::Policy(Vec::new()));
    }
    for difference in drift::compare(&wanted, &made).differences {
        let told = imported.left.iter().any(|left| left.contains(difference.directive.name));
        assert!(
            difference.relation != Relation::Weaker || told,
            "{}= was {}, is {} and nothing says so:\n{}",
            difference.directive.name,
            difference.wanted,
            difference.found,
            imported.text
        );
    }
    Some(imported)
}

/// The services of the cases and the shipped ones, with what lies beside them.
pub fn seeds() -> Vec<Vec<u8>> {
    let found = cases(&["tests/cases/import", "tests/cases/score", "units"], &[""]);
    let services = found.iter().filter(|(path, _)| path.extension().is_some_and(|kind| kind == "service"));
    let mut seeds = Vec::new();
    for (path, text) in services {
        let mut seed = if path.to_string_lossy().contains('@') {
            b"#: 257 instance\n".to_vec()
        } else {
            b"#: 252\n".to_vec()
        };
        seed.extend(text);
        for (kind, extension) in
            [("socket", "socket"), ("timer", "timer"), ("sysusers", "sysusers"), ("tmpfiles", "tmpfiles")]
        {
            if let Some((_, text)) = found.iter().find(|(other, _)| *other == path.with_extension(extension))
            {
                seed.extend(format!("\n--- {kind}\n").as_bytes());
                seed.extend(text);
            }
        }
        seeds.push(seed);
    }
    seeds
}
