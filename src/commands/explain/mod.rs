//! `explain`: what is known of directives, checks, needs, releases and targets, and why units failed.

mod unit;

use std::io::Write;

use super::{appearance, print, tell};
use crate::cli::{Explain, Format};
use crate::explain::{self, Explanation};
use crate::status::Status;
use crate::unit_file::UnitName;
use unit::Units;

/// Prints what is known of the names; an unknown one is a failure, and the others are explained all the same.
pub(super) fn explain(arguments: &Explain, out: &mut dyn Write) -> anyhow::Result<Status> {
    let mut status = Status::Clean;
    let mut explained = Vec::new();
    let mut units = Units::new(arguments);
    for name in &arguments.names {
        match named(name, &mut units) {
            Ok(found) => explained.extend(found),
            Err(error) => {
                tell(&format!("{error:#}"));
                status = Status::Failed;
            }
        }
    }
    match arguments.format {
        Format::Text => print(out, &explain::text(&explained, appearance()))?,
        Format::Json => print(out, &explain::json(&explained)?)?,
    }
    Ok(status)
}

/// What is known of one name: what has the suffix of a unit is one, and so is what is nothing else and loaded.
fn named(name: &str, units: &mut Units<'_>) -> anyhow::Result<Vec<Explanation>> {
    let known = explain::explain(name);
    if known.is_ok() {
        return known;
    }
    if let Ok(unit) = name.parse::<UnitName>() {
        return units.explain(&unit).map(|facts| vec![Explanation::Unit(Box::new(facts))]);
    }
    let service = format!("{name}.service").parse::<UnitName>();
    match service.map(|unit| units.explain(&unit)) {
        Ok(Ok(facts)) => Ok(vec![Explanation::Unit(Box::new(facts))]),
        _ => known,
    }
}
