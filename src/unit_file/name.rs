//! Names of units: which are valid, their parts, and the names derived from them. Nothing is looked up.

use std::fmt;
use std::str::FromStr;

use smol_str::{SmolStr, format_smolstr};

use super::quoted;

/// The longest name in bytes (systemd.unit(5)).
pub(crate) const MAX_LENGTH: usize = 255;

/// The suffixes after the last dot, each a unit type.
const TYPES: [&str; 11] = [
    "automount",
    "device",
    "mount",
    "path",
    "scope",
    "service",
    "slice",
    "socket",
    "swap",
    "target",
    "timer",
];

/// A valid unit name: plain `a.service`, a template `a@.service`, or an instance `a@b.service`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName {
    text: SmolStr,
}

/// Which of the three forms a name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `a.service`
    Plain,
    /// `a@.service`
    Template,
    /// `a@b.service`
    Instance,
}

impl UnitName {
    /// Whether a text is the name of a unit.
    pub(crate) fn is_valid(text: &str) -> bool {
        let Some((stem, suffix)) = text.rsplit_once('.') else { return false };
        text.len() <= MAX_LENGTH
            && TYPES.contains(&suffix)
            && !stem.is_empty()
            && !stem.starts_with('@')
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@:-_.\\".contains(&byte))
    }

    /// The whole name, `%n`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The unit type: `service`, `socket`, …
    pub fn suffix(&self) -> &str {
        self.text.rsplit_once('.').map_or("", |(_, suffix)| suffix)
    }

    /// The name without its suffix, `%N`.
    pub fn stem(&self) -> &str {
        self.text.rsplit_once('.').map_or(self.text.as_str(), |(stem, _)| stem)
    }

    /// What stands before the first `@`, or before the suffix where there is none; `%p`.
    pub fn prefix(&self) -> &str {
        self.stem().split_once('@').map_or(self.stem(), |(prefix, _)| prefix)
    }

    /// What stands between the first `@` and the suffix, `%i`; `None` for plain names and templates.
    pub fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance).filter(|instance| !instance.is_empty())
    }

    /// Plain, template or instance.
    pub fn form(&self) -> Form {
        match self.stem().split_once('@') {
            None => Form::Plain,
            Some((_, "")) => Form::Template,
            Some(_) => Form::Instance,
        }
    }

    /// Whether it must be given an instance before it can be loaded.
    pub fn is_template(&self) -> bool {
        self.form() == Form::Template
    }

    /// The template of an instance.
    pub fn template(&self) -> Option<Self> {
        // A part of a valid name that is not empty is one.
        self.instance().map(|_| Self { text: format_smolstr!("{}@.{}", self.prefix(), self.suffix()) })
    }

    /// The same template or instance with another instance; an error for plain names, an invalid instance, or where
    /// the name becomes too long.
    pub fn with_instance(&self, instance: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(self.form() != Form::Plain, "{} takes no instance", quoted(&self.text));
        anyhow::ensure!(!instance.is_empty(), "an instance of {} cannot be empty", quoted(&self.text));
        format!("{}@{instance}.{}", self.prefix(), self.suffix()).parse()
    }

    /// The names whose drop-ins apply to this one, the most specific first: itself, its template, then the same for
    /// the name cut after each dash (systemd.unit(5); dashes since systemd 239).
    pub fn drop_in_names(&self) -> Vec<Self> {
        let mut names = Vec::new();
        self.collect_drop_in_names(&mut names);
        names
    }

    fn collect_drop_in_names(&self, names: &mut Vec<Self>) {
        if !names.contains(self) {
            names.push(self.clone());
        }
        if let Some(template) = self.template() {
            template.collect_drop_in_names(names);
        }
        let Some(prefix) = cut_after_dash(self.prefix()) else { return };
        let shorter = match self.instance() {
            Some(instance) => format!("{prefix}@{instance}.{}", self.suffix()),
            // A template loses its `@` here: `a-b@.service` also takes `a-.service.d`.
            None => format!("{prefix}.{}", self.suffix()),
        };
        if let Ok(shorter) = shorter.parse::<Self>() {
            shorter.collect_drop_in_names(names);
        }
    }
}

impl FromStr for UnitName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(Self::is_valid(text), "{} is not a valid unit name", quoted(text));
        Ok(Self { text: text.into() })
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether `text` is a unit type, as in the drop-in directory `service.d`.
pub(crate) fn is_type(text: &str) -> bool {
    TYPES.contains(&text)
}

/// `a-b-c` to `a-b-`, `a-b-` to `a-`; `None` where no dash is left but a leading one.
fn cut_after_dash(prefix: &str) -> Option<&str> {
    let prefix = prefix.strip_suffix('-').unwrap_or(prefix);
    match prefix.rfind('-') {
        None | Some(0) => None,
        Some(dash) => prefix.get(..=dash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_or_refused() {
        let longest = format!("{}.service", "a".repeat(247));
        for valid in [
            "a.service",
            "a@.service",
            "a@b@c.timer",
            "a.b.socket",
            r"dev-\x2d.device",
            ".a.service",
            "-.mount",
            &longest,
        ] {
            assert!(valid.parse::<UnitName>().is_ok(), "{valid}");
        }
        let long = format!("{}.service", "a".repeat(248));
        for invalid in [
            "",
            ".service",
            "a",
            "a.conf",
            "@.service",
            "@b.service",
            "a b.service",
            "a/b.service",
            "ä.service",
            "a.Service",
            "a\n.service",
            "a.service ",
            &long,
        ] {
            assert!(invalid.parse::<UnitName>().is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn parts_of_an_instance() -> anyhow::Result<()> {
        let name: UnitName = "a-b@c@d.e.service".parse()?;
        assert_eq!((name.prefix(), name.instance(), name.suffix()), ("a-b", Some("c@d.e"), "service"));
        assert_eq!(name.template().map(|t| t.to_string()).as_deref(), Some("a-b@.service"));
        assert_eq!(name.with_instance("x")?.as_str(), "a-b@x.service");
        assert!(name.with_instance("").is_err() && name.with_instance("x/y").is_err());
        assert!("a.service".parse::<UnitName>()?.with_instance("x").is_err());
        assert!("a@.service".parse::<UnitName>()?.is_template());
        Ok(())
    }

    #[test]
    fn drop_in_names_go_from_specific_to_general() -> anyhow::Result<()> {
        for (name, expected) in [
            ("a.service", "a.service"),
            ("a-b-c.service", "a-b-c.service a-b-.service a-.service"),
            ("a-b-.service", "a-b-.service a-.service"),
            ("a--b.service", "a--b.service a--.service a-.service"),
            ("-a.service", "-a.service"),
            ("a@x-y.service", "a@x-y.service a@.service"),
            ("a-b@x.service", "a-b@x.service a-b@.service a-.service a-@x.service a-@.service"),
        ] {
            let names = name.parse::<UnitName>()?.drop_in_names();
            let names: Vec<&str> = names.iter().map(UnitName::as_str).collect();
            assert_eq!(names.join(" "), expected, "{name}");
        }
        Ok(())
    }
}
