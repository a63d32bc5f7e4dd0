//! Units that a target refuses as a whole for what literal lines say: no key of a manifest comes to that.

use anyhow::{Result, bail};

use crate::manifest::Manifest;
use crate::policy::plan;
use crate::posture::Posture;
use crate::render::{File, FileKind, target_context};
use crate::target::Target;
use crate::unit_file::{UnitName, UnitText};
use crate::unit_posture::read;

/// Reads services that have literal lines back as each target does.
///
/// # Errors
///
/// Where one refuses a service.
pub fn refused(manifest: &Manifest, targets: &[Target], files: &[File]) -> Result<()> {
    for planned in plan(manifest).iter().filter(|planned| !planned.service.unit.is_empty()) {
        let name = planned.unit_name();
        let is_it =
            |file: &&File| matches!(file.kind, FileKind::Unit | FileKind::UserUnit) && file.name == name;
        let Some(file) = files.iter().find(is_it) else { continue };
        let id: UnitName = name.replace("@.service", "@i.service").parse()?;
        let text = UnitText::of_text(id, &file.name, &file.text);
        for target in targets {
            let unset = Posture::unset(text.id.as_str(), target_context(target, manifest));
            if let Some(refused) = read(&text, &unset).refused {
                let line = refused.line.map_or_else(String::new, |line| format!(" (line {line})"));
                bail!(
                    "{}: `{}` would refuse {name}{line}: {}: mend its lines of `unit`",
                    planned.service.place,
                    target.name,
                    refused.text
                );
            }
        }
    }
    Ok(())
}
