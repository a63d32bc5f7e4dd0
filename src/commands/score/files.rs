//! Units as their files say: single files, and trees.

use std::path::Path;

use super::judge::{Asked, Found, Judge, of_lines};
use crate::context::{Context, Mode, UnitType};
use crate::posture::Posture;
use crate::release::Release;
use crate::report::{Outcome, Source, UnitReport};
use crate::unit_file::{Load, Loader, UnitName};
use crate::unit_posture::read;

/// Judges units by their files.
pub(super) struct Files<'r> {
    /// The tree and its search path.
    pub(super) loader: Loader<'r>,
    /// The release and mode that count; the unit's type is its own.
    pub(super) context: Context,
}

impl Files<'_> {
    /// A unit file that was named.
    pub(super) fn file(&mut self, path: &Path, shown: &str, judge: &Judge) -> UnitReport {
        let instance = template_instance(self.context);
        let load = self.loader.load_file(path, instance);
        let name =
            path.file_name().map_or_else(|| shown.to_owned(), |name| name.to_string_lossy().into_owned());
        self.report(name, load, Asked::ByName, judge)
    }

    /// A unit of the tree.
    pub(super) fn unit(&mut self, name: &UnitName, asked: Asked, judge: &Judge) -> UnitReport {
        let load = self.load(name);
        self.report(name.as_str().to_owned(), load, asked, judge)
    }

    /// Every service of the tree under its own name.
    pub(super) fn all(&mut self, judge: &Judge) -> Vec<UnitReport> {
        let names = self.loader.units("service");
        let mut reports = Vec::new();
        for name in names {
            let load = self.load(&name);
            if !matches!(&load, Ok(Load::Loaded(text)) if is_alias(&name, &text.id)) {
                reports.push(self.report(name.as_str().to_owned(), load, Asked::AmongAll, judge));
            }
        }
        reports
    }

    fn load(&mut self, name: &UnitName) -> anyhow::Result<Load> {
        if name.is_template() {
            let instance = name.with_instance(template_instance(self.context))?;
            self.loader.load(&instance)
        } else {
            self.loader.load(name)
        }
    }

    fn report(&self, unit: String, load: anyhow::Result<Load>, asked: Asked, judge: &Judge) -> UnitReport {
        let context = Context { unit_type: UnitType::of(&unit), ..self.context };
        let cannot = |unit: String, outcome| UnitReport {
            unit,
            source: Source::File,
            context: Some(context),
            outcome,
            findings: Vec::new(),
        };
        if context.unit_type == UnitType::Other {
            let why = "nothing is executed by a unit of this type: name the service that it starts";
            return cannot(unit, asked.failed(why.to_owned()));
        }
        let text = match load {
            Ok(Load::Loaded(text)) => text,
            Ok(other) => return cannot(unit, asked.failed(why_not(&other))),
            Err(error) => return cannot(unit, Outcome::Failed(format!("{error:#}"))),
        };
        let reading = read(&text, &Posture::unset(text.id.as_str(), context));
        if let Some(refused) = reading.refused {
            let line = refused.line.map_or_else(String::new, |line| format!(":{line}"));
            let release = context.release;
            let why = format!("systemd {release} refuses it: {}{line}: {}", refused.path, refused.text);
            return cannot(unit, asked.failed(why));
        }
        let findings = of_lines(reading.notices);
        let mut names: Vec<&str> = vec![text.id.as_str()];
        names.extend(text.names.iter().map(UnitName::as_str));
        judge.judge(Found { unit, names, source: Source::File, asked, posture: reading.posture, findings })
    }
}

/// Whether a unit was found under another name than its own, template and instance apart.
fn is_alias(name: &UnitName, id: &UnitName) -> bool {
    name.prefix() != id.prefix() || name.form() != id.form() && !name.is_template()
}

/// The instance that systemd's own scorer gives a template.
pub(super) fn template_instance(context: Context) -> &'static str {
    match context.mode {
        _ if context.release >= Release::first(257) => "test_instance",
        Mode::Offline => "i",
        Mode::Loaded => "test-instance",
    }
}

fn why_not(load: &Load) -> String {
    match load {
        Load::Masked { path } => {
            format!("masked by `{}`: remove that, or name the file that it masks", path.display())
        }
        Load::NotFound => "there is no such unit file: is its package installed?".to_owned(),
        Load::Broken { path, line, reason } => {
            let line = line.map_or_else(String::new, |line| format!(":{line}"));
            format!("systemd refuses it: {}{line}: {reason}", path.display())
        }
        Load::Loaded(_) => String::new(),
    }
}
