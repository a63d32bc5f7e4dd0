//! Timer units.

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::service::install;
use super::{File, FileKind, LiteralLines, Renderer};
use crate::manifest::words::{ServiceName, TimeSpan};
use crate::manifest::{Scope, Timer};

#[derive(Serialize)]
struct View {
    description: String,
    on_calendar: Vec<String>,
    on_boot: Option<String>,
    on_unit_active: Option<String>,
    randomized_delay: Option<String>,
    accuracy: Option<String>,
    persistent: bool,
    starts: Option<String>,
    literal: LiteralLines,
    install: Vec<String>,
}

impl Renderer<'_> {
    pub(super) fn timer(&self, stem: &str, timer: &Timer) -> Result<File> {
        let text = self.fill(
            "timer.j2",
            context! { header => self.header(), timer => Value::from(Serde(view(stem, timer))), mark => self.mark() },
        )?;
        let kind = if self.manifest.scope == Scope::User { FileKind::UserUnit } else { FileKind::Unit };
        Ok(File { kind, name: format!("{stem}.timer"), text })
    }
}

fn view(stem: &str, timer: &Timer) -> View {
    let span = |span: &Option<TimeSpan>| span.as_ref().map(|span| span.as_str().to_owned());
    let literal = LiteralLines::of(&timer.unit);
    let mut install = install(&timer.wanted_by, &[], &[]);
    install.extend(literal.install.iter().cloned());
    let description = timer.description.as_ref().map(|text| text.as_str().to_owned());
    View {
        description: description.unwrap_or_else(|| format!("Timer of {stem}")),
        on_calendar: timer
            .on_calendar
            .iter()
            .flat_map(|lines| lines.0.iter().map(|line| line.as_str().to_owned()))
            .collect(),
        on_boot: span(&timer.on_boot),
        on_unit_active: span(&timer.on_unit_active),
        randomized_delay: span(&timer.randomized_delay),
        accuracy: span(&timer.accuracy),
        persistent: timer.persistent,
        starts: timer.starts.as_ref().filter(|service| service.as_str() != stem).map(ServiceName::unit),
        literal,
        install,
    }
}
