//! The units of a trial: what `generate` renders, under other names, without what would have the manager do more than
//! run it once. Each line keeps its place, so that a line of the trial is that line of the rendered unit.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::manifest::Manifest;
use crate::manifest::words::ServiceName;
use crate::render::File;
use crate::unit_file::UnitName;

/// What the name of a trial adds to that of the service.
const SUFFIX: &str = "-try";

/// What has a manager do more than run a service once, wherever it may stand (systemd.unit(5), systemd.service(5)):
/// start it again, start or stop something else or the machine, forget that it failed before anybody asked.
const ONCE: [&str; 10] = [
    "Restart",
    "OnFailure",
    "OnSuccess",
    "FailureAction",
    "SuccessAction",
    "StartLimitAction",
    "JobTimeoutAction",
    "CollectMode",
    "Upholds",
    // Of a socket: the trial has its own.
    "Service",
];

/// A unit of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialUnit {
    /// The name of its file.
    pub file: String,
    /// The name that it is started by; another for an instance of a template.
    pub unit: String,
    /// Its text.
    pub text: String,
    /// The name of the unit that it is of, started the same way.
    pub of: String,
    /// Where `generate` puts the file that it is of.
    pub place: String,
}

/// The units of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialUnits {
    /// The service.
    pub service: TrialUnit,
    /// The sockets that hand it what they listen on.
    pub sockets: Vec<TrialUnit>,
    /// What of the manifest belongs to the service and is not tried, each with why.
    pub left_out: Vec<String>,
}

/// Makes the units of the trial of one service. `files` are what is rendered of the manifest; `instance` is that of a
/// template.
pub fn units(
    manifest: &Manifest,
    files: &[File],
    service: &ServiceName,
    instance: Option<&str>,
) -> Result<TrialUnits> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    names.insert(service.unit(), format!("{}.service", renamed(service.as_str())));
    let mut left_out = Vec::new();
    let mut stems = Vec::new();
    for (stem, socket) in &manifest.sockets {
        let own = format!("{}.socket", stem.as_str());
        let starts = socket.starts.as_ref() == Some(service);
        if socket.proxy_to.is_some() && manifest.behind(socket).is_some_and(|(name, _)| name == service) {
            left_out.push(format!("{own}: its proxy passes on to a service that runs, and is not started"));
        } else if starts && socket.accept {
            left_out.push(format!("{own}: it starts an instance for each connection, and nobody connects"));
        } else if starts && stem.as_str().ends_with('@') {
            left_out.push(format!("{own}: it is a template"));
        } else if starts {
            names.insert(own, format!("{}.socket", renamed(stem.as_str())));
            stems.push(stem.as_str());
        }
    }
    for (stem, _) in manifest.timers.iter().filter(|(_, timer)| timer.starts.as_ref() == Some(service)) {
        left_out.push(format!("{}.timer: the service is started at once", stem.as_str()));
    }
    let target = names.get(&service.unit()).cloned().unwrap_or_default();
    let unit = |own: &str, added: &str| -> Result<TrialUnit> {
        let rendered = files.iter().find(|file| file.name == own).with_context(|| format!("no {own}"))?;
        let file = names.get(own).cloned().unwrap_or_default();
        let started = |name: &str| -> Result<String> {
            let name: UnitName = name.parse()?;
            Ok(match instance {
                Some(instance) if name.is_template() => name.with_instance(instance)?.as_str().to_owned(),
                _ => name.as_str().to_owned(),
            })
        };
        Ok(TrialUnit {
            unit: started(&file)?,
            of: started(own)?,
            text: once(&rendered.text, &names) + added,
            place: rendered.path(),
            file,
        })
    };
    let starts = format!("\n[Socket]\nService={target}\n");
    let sockets = stems.iter().map(|stem| unit(&format!("{stem}.socket"), &starts));
    Ok(TrialUnits { service: unit(&service.unit(), "")?, sockets: sockets.collect::<Result<_>>()?, left_out })
}

/// The trial's own name.
fn renamed(stem: &str) -> String {
    match stem.strip_suffix('@') {
        Some(prefix) => format!("{prefix}{SUFFIX}@"),
        None => format!("{stem}{SUFFIX}"),
    }
}

/// The text with everything that is not for a single run as a comment, and other units of the trial by their names in
/// it.
fn once(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut section = "";
    let mut made = String::with_capacity(text.len());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let assignment = line.split_once('=').filter(|(key, _)| !key.starts_with(['#', ';']));
        let is_out = section == "Install" && !line.is_empty()
            || assignment.is_some_and(|(key, _)| ONCE.contains(&key.trim_end()));
        match assignment {
            _ if is_out => made.extend(["# ", line]),
            Some((key, value)) if section == "Unit" || key == "Sockets" => {
                let words = value.split(' ').map(|word| names.get(word).map_or(word, String::as_str));
                made.extend([key, "=", &words.collect::<Vec<_>>().join(" ")]);
            }
            _ => made.push_str(line),
        }
        made.push('\n');
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::manifest::{Source, Sources, load};
    use crate::render::{Form, render};

    const MANIFEST: &str = r#"edition = 1

[service]
name = "web"
description = "Serves web.socket"
exec = ["/usr/bin/web"]
restart = "on-failure"
on-failure = ["pager.service"]
requires = ["web.socket", "db.service"]
collect = true
wanted-by = ["multi-user.target"]
aliases = ["www.service"]

[sockets.web]
listen = ["/run/web/web.sock"]

[sockets.other]
listen = ["/run/web/other.sock"]
starts = "web"

[timers.web]
on-boot = "1h"

[needs]
starts-as-root = "it is a test"
"#;

    fn manifest(text: &str) -> Result<Manifest> {
        let main = Source { path: "web.toml", bytes: text.as_bytes() };
        Ok(load(&Sources { main, drop_ins: Vec::new() }, &catalogue::FOR_MANIFESTS)?)
    }

    fn tried(text: &str, service: &str, instance: Option<&str>) -> Result<(Vec<File>, TrialUnits)> {
        let manifest = manifest(text)?;
        let files = render(&manifest, &["systemd-252".parse()?], Form::Units)?;
        let made = units(&manifest, &files, &service.parse()?, instance)?;
        Ok((files, made))
    }

    #[test]
    fn a_trial_is_run_once_and_keeps_its_lines() -> Result<()> {
        let (files, made) = tried(MANIFEST, "web", None)?;
        let own = files.iter().find(|file| file.name == "web.service").context("no web.service")?;
        let service = &made.service;
        assert_eq!((service.file.as_str(), service.unit.as_str()), ("web-try.service", "web-try.service"));
        assert_eq!(service.place, "/usr/lib/systemd/system/web.service");
        assert_eq!(own.text.lines().count(), service.text.lines().count());
        for line in ["Restart=on-failure", "OnFailure=pager.service", "CollectMode=inactive-or-failed"] {
            assert!(own.text.lines().any(|own| own == line), "{line}\n{}", own.text);
            assert!(service.text.lines().any(|own| own == format!("# {line}")), "{}", service.text);
        }
        assert!(service.text.contains("\nRequires=web-try.socket db.service\n"), "{}", service.text);
        assert!(service.text.contains("# [Install]\n# Alias=www.service\n"), "{}", service.text);
        let changed = own.text.lines().zip(service.text.lines()).filter(|(own, made)| own != made);
        assert!(changed.clone().count() >= 6, "{:?}", changed.collect::<Vec<_>>());
        Ok(())
    }

    #[test]
    fn sockets_come_along_and_timers_do_not() -> Result<()> {
        let (_, made) = tried(MANIFEST, "web", None)?;
        let sockets: Vec<&str> = made.sockets.iter().map(|socket| socket.unit.as_str()).collect();
        assert_eq!(sockets, ["other-try.socket", "web-try.socket"]);
        for socket in &made.sockets {
            let last = socket.text.lines().rfind(|line| line.starts_with("Service="));
            assert_eq!(last, Some("Service=web-try.service"), "{}", socket.text);
        }
        assert_eq!(made.left_out, ["web.timer: the service is started at once"]);
        Ok(())
    }

    #[test]
    fn a_template_is_tried_as_an_instance() -> Result<()> {
        let text = "edition = 1\n[service]\nname = \"web@\"\nexec = [\"/usr/bin/web\"]\n\
                    [sockets.web]\nlisten = [\"/run/web.sock\"]\naccept = true\n\
                    [needs]\nstarts-as-root = \"it is a test\"\n";
        let (_, made) = tried(text, "web@", Some("a"))?;
        let service = &made.service;
        assert_eq!((service.file.as_str(), service.unit.as_str()), ("web-try@.service", "web-try@a.service"));
        assert_eq!(service.of, "web@a.service");
        assert!(made.sockets.is_empty() && made.left_out.len() == 1, "{:?}", made.left_out);
        Ok(())
    }
}
