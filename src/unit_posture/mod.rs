//! The files of a unit as a posture, the way a release reads them. Finding and splitting the files is `unit_file`'s;
//! what an assignment does is its directive's.

mod commands;
mod functional;
mod refusal;
mod settings;
mod values;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use refusal::Kept;

use crate::catalogue::{self, Directive, Stage};
use crate::posture::{Origin, Posture};
use crate::unit_file::{Assignment, Notice, Sources, UnitText};
use crate::value::Remark;
use crate::visible::shown_path;

/// A unit as its files say it.
pub struct Reading {
    /// What it comes to, implications at load included.
    pub posture: Posture,
    /// What the release ignores, or takes for something else.
    pub notices: Vec<LineNotice>,
    /// Why the release refuses the unit, if it does.
    pub refused: Option<LineNotice>,
}

impl Reading {
    /// Takes up what there is to say of a line; whether it ends the drop-in that the line stands in. What systemd refuses
    /// in the unit's own file is the end of the unit.
    fn take(&mut self, notice: LineNotice, unit: &UnitText, assignment: &Assignment) -> bool {
        if notice.kind != NoticeKind::Refused {
            self.notices.push(notice);
            return false;
        }
        if unit.fragment.as_deref() == Some(&*assignment.source) {
            self.refused.get_or_insert(notice);
            return false;
        }
        let text = format!("{}; systemd does not read on in this drop-in", notice.text);
        self.notices.push(LineNotice { kind: NoticeKind::Misread, text, ..notice });
        true
    }

    /// Takes up why systemd refuses the unit as a whole, if it does.
    fn refuse_whole(&mut self, unit: &UnitText, lines: &[Kept<'_>]) {
        let Some(text) = refusal::of_unit(unit, lines, &self.posture) else { return };
        let fragment = unit.fragment.as_ref();
        let path = fragment.map_or_else(|| unit.id.as_str().to_owned(), |path| shown_path(path));
        self.refused.get_or_insert(LineNotice {
            path: Arc::from(path),
            line: None,
            directive: None,
            kind: NoticeKind::Refused,
            text: text.to_owned(),
        });
    }
}

/// Something to say about one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineNotice {
    /// The file.
    pub path: Arc<str>,
    /// Its line, from 1; none for the file as a whole.
    pub line: Option<u32>,
    /// The directive, where it is one.
    pub directive: Option<&'static Directive>,
    /// Whether systemd ignores it, or misreads it.
    pub kind: NoticeKind,
    /// What there is to say.
    pub text: String,
}

impl From<&Notice> for LineNotice {
    fn from(notice: &Notice) -> Self {
        Self {
            path: Arc::from(shown_path(&notice.path)),
            line: notice.line,
            directive: None,
            kind: NoticeKind::Ignored,
            text: notice.text.clone(),
        }
    }
}

/// What systemd makes of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// It has no effect.
    Ignored,
    /// It has another effect than it says.
    Misread,
    /// It is the end of the unit.
    Refused,
    /// What it comes to on the release is not known.
    NotKnown,
    /// It is taken for a newer setting.
    Outdated,
}

/// Reads the assignments of a unit as the context's release does.
pub fn read(unit: &UnitText, unset: &Posture) -> Reading {
    let mut reading = Reading {
        posture: unset.renamed(unit.id.as_str()),
        notices: unit.notices.iter().map(LineNotice::from).collect(),
        refused: None,
    };
    let context = unset.context;
    let mut lines: Vec<Kept> = Vec::with_capacity(unit.assignments.len());
    // What systemd refuses in a drop-in ends that drop-in, not the unit.
    let mut ended: Option<&Path> = None;
    let mut sources = Sources::default();
    let mut before: Option<&Assignment> = None;
    for assignment in &unit.assignments {
        if ended == Some(&*assignment.source) {
            continue;
        }
        let path = sources.of(assignment);
        let say = |directive, kind, text| LineNotice {
            path: Arc::clone(path),
            line: Some(assignment.line),
            directive,
            kind,
            text,
        };
        let goes_on = |before: &Assignment| {
            Arc::ptr_eq(&before.source, &assignment.source) && before.section == assignment.section
        };
        if !before.replace(assignment).is_some_and(goes_on) {
            let ignored = functional::of_section(&assignment.section, &context);
            reading.notices.extend(ignored.map(|text| say(None, NoticeKind::Ignored, text)));
        }
        let place = catalogue::place_of(&assignment.key);
        let is_command = place.is_none() && commands::is_command(assignment);
        let line = is_command.then(|| commands::read(&assignment.value, &unit.id, context.release));
        lines.push(Kept { assignment, commands: line.as_ref().map_or(0, |line| line.count) });
        let Some(place) = place else {
            if let Some(line) = line {
                if let Some(fault) = line.fault {
                    let kind = if fault.ends { NoticeKind::Refused } else { NoticeKind::Ignored };
                    let notice = say(None, kind, format!("{}=: {}", assignment.key, fault.text));
                    if reading.take(notice, unit, assignment) {
                        lines.pop();
                        ended = Some(&*assignment.source);
                    }
                }
            } else if let Some((kind, text)) = functional::of_line(assignment, &unit.id, &context) {
                reading.notices.push(say(None, kind, text));
            }
            continue;
        };
        let directive = catalogue::all()[place];
        if !directive.sections.contain(&assignment.section, context.unit_type) {
            if matches!(assignment.section.as_str(), "Unit" | "Install")
                || Some(assignment.section.as_str()) == context.unit_type.section()
            {
                let text = format!("{}= is not read in [{}]", directive.name, assignment.section);
                reading.notices.push(say(Some(directive), NoticeKind::Ignored, text));
            }
            continue;
        }
        if !directive.is_known_to(context.release) {
            let text = format!("{}= is read {}", directive.name, directive.read_by());
            reading.notices.push(say(Some(directive), NoticeKind::Ignored, text));
            continue;
        }
        let value = match directive.kind.expand(&assignment.value, &unit.id) {
            // Only what is written empty resets a name.
            Ok(Cow::Owned(expanded)) if expanded.is_empty() && directive.kind.names_an_identity() => {
                " ".into()
            }
            Ok(value) => value,
            Err(error) => {
                reading.notices.push(say(Some(directive), NoticeKind::Ignored, error.to_string()));
                continue;
            }
        };
        let origin = Origin::Line { path: Arc::clone(path), line: assignment.line };
        for remark in reading.posture.assign_at(place, &value, origin) {
            let (kind, text) = match remark {
                Remark::Ignored(text) => (NoticeKind::Ignored, text),
                Remark::Misread(text) => (NoticeKind::Misread, text),
                Remark::Refused(text) => (NoticeKind::Refused, text),
                Remark::NotKnown(text) => (NoticeKind::NotKnown, text),
            };
            let notice = say(Some(directive), kind, format!("{}=: {text}", directive.name));
            if reading.take(notice, unit, assignment) {
                lines.pop();
                ended = Some(&*assignment.source);
            }
        }
    }
    reading.posture.settle(Stage::Load);
    reading.refuse_whole(unit, &lines);
    reading
}

#[cfg(test)]
fn service_of(release: crate::release::Release) -> crate::context::Context {
    crate::context::Context {
        release,
        mode: crate::context::Mode::Offline,
        scope: crate::context::Scope::System,
        unit_type: crate::context::UnitType::Service,
        architecture: crate::syscalls::Architecture::X86_64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Release;
    use crate::unit_file::{Load, Loader, Root, SearchPath};

    fn reading(files: &[(&str, &str)]) -> anyhow::Result<Reading> {
        let tree = tempfile::tempdir()?;
        let folder = tree.path().join("etc/systemd/system");
        std::fs::create_dir_all(folder.join("a.service.d"))?;
        for (path, text) in files {
            std::fs::write(folder.join(path), text)?;
        }
        let root = Root::open(tree.path())?;
        let Load::Loaded(unit) = Loader::new(&root, SearchPath::system()).load(&"a.service".parse()?)? else {
            anyhow::bail!("the unit is not there")
        };
        let context = service_of(Release::latest(257));
        Ok(read(&unit, &Posture::unset("a.service", context)))
    }

    fn value(reading: &Reading, name: &str) -> anyhow::Result<String> {
        let directive = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
        Ok(directive.kind.write(&reading.posture.get(directive).value))
    }

    const FATAL: &str = "[Service]\nPrivateTmp=yes\nUser=a b:c\nProtectHome=yes\n";

    #[test]
    fn a_fatal_line_ends_its_drop_in_and_nothing_else() -> anyhow::Result<()> {
        let reading = reading(&[
            ("a.service", "[Service]\nExecStart=/bin/true\nUser=a\n"),
            ("a.service.d/10.conf", FATAL),
            ("a.service.d/20.conf", "[Service]\nProtectSystem=full\n"),
        ])?;
        assert_eq!(reading.refused, None);
        assert_eq!(value(&reading, "PrivateTmp")?, "yes");
        assert_eq!(value(&reading, "User")?, "a");
        assert_eq!(value(&reading, "ProtectHome")?, "no");
        assert_eq!(value(&reading, "ProtectSystem")?, "full");
        Ok(())
    }

    /// Seen on 257: a service with credentials and without a type is of type `exec`.
    #[test]
    fn who_is_handed_credentials_needs_a_command() -> anyhow::Result<()> {
        const STOPS: &str = "[Service]\nRemainAfterExit=yes\nExecStop=/bin/true\n";
        for (credentials, is_refused) in [
            ("", false),
            ("LoadCredential=a:/etc/a\n", true),
            ("SetCredential=a:b\n", true),
            ("ImportCredential=a\n", true),
            ("LoadCredential=a:/etc/a\nLoadCredential=\n", false),
        ] {
            let refused = reading(&[("a.service", &format!("{STOPS}{credentials}"))])?.refused;
            assert_eq!(refused.is_some(), is_refused, "{credentials}: {refused:?}");
        }
        Ok(())
    }

    #[test]
    fn a_fatal_line_of_the_unit_itself_is_its_end() -> anyhow::Result<()> {
        let reading = reading(&[("a.service", &format!("{FATAL}ExecStart=/bin/true\n"))])?;
        assert_eq!(reading.refused.and_then(|notice| notice.line), Some(3));
        Ok(())
    }
}
