//! The environment files of a service, whatever the manifest says of them: variables that are set twice, and what
//! systemd reads in another way than a shell or a container tool.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::unreadable;
use crate::finding::Finding;
use crate::manifest::Service;
use crate::manifest::words::quoted;
use crate::settings::env;
use crate::unit_file::Root;

/// What there is to know of the environment files of `service`, in the order in which it names them.
pub fn environment_files(service: &Service, root: &Root) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut set: BTreeMap<String, (&str, Option<u32>)> = BTreeMap::new();
    for file in &service.environment_files {
        let path = file.path.as_str();
        let text = match root.read(Path::new(path)) {
            Ok(Some(bytes)) => String::from_utf8(bytes),
            // A file that must be there fails the start, and its rule below `[paths]` says so.
            Ok(None) => continue,
            Err(error) => {
                findings.push(Finding::notice("content.not-known", unreadable(&error)).of(path));
                continue;
            }
        };
        let Ok(text) = text else {
            let message = "it is not UTF-8: systemd ignores what is not";
            findings.push(Finding::new("content.malformed", message).of(path));
            continue;
        };
        let read = env::read(&text);
        for odd in &read.oddities {
            let finding =
                Finding { subject: odd.variable.clone(), ..Finding::new("content.dialect", odd.kind.text()) };
            findings.push(within(finding, path, Some(odd.line)));
        }
        for setting in &read.settings {
            let name = setting.key();
            if let Some((first, line)) = set.insert(name.clone(), (path, setting.line)) {
                let line = line.map_or_else(String::new, |line| format!(":{line}"));
                let text =
                    format!("it is set twice: this takes the place of {}", quoted(&format!("{first}{line}")));
                let finding = Finding::new("content.duplicate-key", text).of(name);
                findings.push(within(finding, path, setting.line));
            } else if service.environment.keys().any(|stated| stated.as_str() == name) {
                let text = "it takes the place of what the manifest's `environment` says";
                let finding = Finding::notice("content.overrides", text).of(name);
                findings.push(within(finding, path, setting.line));
            }
        }
    }
    findings
}

fn within(finding: Finding, path: &str, line: Option<u32>) -> Finding {
    Finding { place: Some((Arc::from(path), line)), ..finding }
}
