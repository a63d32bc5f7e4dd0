//! `import`: a unit and what belongs to it in, a manifest out.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::looking::look;
use super::one_unit::{Asked, One};
use super::output::{self, Earlier, New};
use super::score::{template_instance, why_not};
use super::{print, tell};
use crate::cli::{Import, KNOWN_RELEASES, LookWord};
use crate::context::Context;
use crate::import::hints::Looked;
use crate::import::{self, Snippet, Subject};
use crate::manifest::Scope;
use crate::posture::Posture;
use crate::render;
use crate::status::Status;
use crate::target::Target;
use crate::unit_file::{Load, Loader, Root, UnitName, UnitText};
use crate::unit_posture::read;
use crate::visible::text_of;

/// Makes the manifest that the command line asks for.
pub(super) fn import(arguments: &Import, out: &mut dyn Write) -> Result<Status> {
    let root = Root::open(arguments.root.as_deref().unwrap_or(Path::new("/")))?;
    let [_, newest] = KNOWN_RELEASES;
    let target: Target = format!("systemd-{}", arguments.systemd.unwrap_or(newest)).parse()?;
    let scope = if arguments.user { Scope::User } else { Scope::System };
    let reader = Reader { root: &root, context: render::context_of(&target, scope), scope };
    let subject = reader.subject(arguments)?;
    let imported = import::import(&subject, &target, arguments.strictness.map(Into::into))?;
    if let Some(hidden) = &subject.looked.hidden {
        tell(&format!("not looked at: {hidden}"));
    }
    for left in &imported.left {
        tell(&format!("not taken over: {left}"));
    }
    match &arguments.output {
        Some(path) => {
            let path = std::path::absolute(path).with_context(|| format!("finding `{}`", path.display()))?;
            let place = path.display().to_string();
            // It is there to be edited: an earlier one may be.
            let file = New { place: &place, path, text: &imported.text, earlier: Earlier::None };
            output::write(&Root::open("/")?, &[file], arguments.replace)?;
        }
        None => print(out, &imported.text)?,
    }
    Ok(if imported.left.is_empty() { Status::Clean } else { Status::Findings })
}

/// Reads a service and what belongs to it.
struct Reader<'r> {
    root: &'r Root,
    context: Context,
    scope: Scope,
}

impl Reader<'_> {
    fn subject(&self, arguments: &Import) -> Result<Subject> {
        let text = &arguments.subject;
        let asked = Asked {
            root: self.root,
            scope: self.scope,
            is_below: arguments.root.is_some(),
            instance: template_instance(self.context),
        };
        let One { mut loader, load, folder } = asked.load(text)?;
        let folder = folder.as_deref();
        let service = match load {
            Load::Loaded(service) => service,
            other => bail!("`{text}` cannot be imported: {}", why_not(&other)),
        };
        ensure!(
            service.id.suffix() == "service",
            "`{text}` is no service: name the service, and what starts it comes along"
        );
        let sockets = self.starting(&mut loader, "socket", &service.id)?;
        let timers = self.starting(&mut loader, "timer", &service.id)?;
        let users = self.snippets("sysusers", folder, |_| true)?;
        let prefix = service.id.prefix().to_owned();
        let names = |name: &str| service.names.iter().any(|unit| unit.prefix() == name) || name == prefix;
        let files = self.snippets("tmpfiles", folder, names)?;
        let scope = self.scope;
        let looked = match arguments.evidence {
            LookWord::Never => Looked::default(),
            LookWord::Auto => {
                let posture = read(&service, &Posture::unset(service.id.as_str(), self.context)).posture;
                // A file, and a tree, is not what the manager runs.
                let runs = (folder.is_none() && arguments.root.is_none()).then_some(self.context.scope);
                look(self.root, &service, &posture, runs)
            }
        };
        Ok(Subject { service, sockets, timers, users, files, scope, looked })
    }

    /// A template is read with the instance that systemd's own scorer gives it.
    fn instance(&self, name: UnitName) -> Result<UnitName> {
        if name.is_template() { name.with_instance(template_instance(self.context)) } else { Ok(name) }
    }

    /// The units of a type that start the service, each once.
    fn starting(&self, loader: &mut Loader<'_>, suffix: &str, service: &UnitName) -> Result<Vec<UnitText>> {
        let mut found: Vec<UnitText> = Vec::new();
        for name in loader.units(suffix) {
            let Load::Loaded(unit) = loader.load(&self.instance(name)?)? else { continue };
            if import::starts(&unit, service) && !found.iter().any(|known| known.id == unit.id) {
                found.push(unit);
            }
        }
        Ok(found)
    }

    /// The files of `/usr/lib/KIND.d` and its siblings, of which the first of a name counts, and `*.KIND` beside the unit
    /// file; of those that many packages share a folder with, the ones whose `name` is the service's.
    fn snippets(
        &self,
        kind: &str,
        beside: Option<&Path>,
        named: impl Fn(&str) -> bool,
    ) -> Result<Vec<Snippet>> {
        if self.scope == Scope::User {
            return Ok(Vec::new());
        }
        let folders = ["/etc", "/run", "/usr/local/lib", "/usr/lib"];
        let shared = folders.map(|folder| (PathBuf::from(format!("{folder}/{kind}.d")), "conf"));
        let own = beside.map(|folder| (folder.to_owned(), kind));
        let mut found: Vec<Snippet> = Vec::new();
        let mut seen: Vec<std::ffi::OsString> = Vec::new();
        for (folder, extension) in own.into_iter().chain(shared) {
            let reading = || format!("reading `{}`", folder.display());
            let entries = self.root.read_dir_sorted(&folder).with_context(reading)?;
            for entry in entries.unwrap_or_default() {
                let name = Path::new(&entry.name);
                let stem = name.file_stem().unwrap_or_default().to_string_lossy();
                let fits = name.extension().is_some_and(|found| found == extension)
                    && (extension == kind || named(&stem));
                if !fits || seen.contains(&entry.name) {
                    continue;
                }
                seen.push(entry.name.clone());
                let path = folder.join(&entry.name);
                let reading = || format!("reading `{}`", path.display());
                if let Some(bytes) = self.root.read(&path).with_context(reading)? {
                    if let Err(error) = std::str::from_utf8(&bytes) {
                        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                        let line = before.split(|byte| *byte == b'\n').count();
                        tell(&format!(
                            "{}:{line}: not UTF-8; its bytes are shown as `\\xff`",
                            path.display()
                        ));
                    }
                    let text = text_of(&bytes);
                    found.push(Snippet { path: path.display().to_string(), text });
                }
            }
        }
        Ok(found)
    }
}
