//! Our judgement of random units beside that of systemd's own scorer: what no hand would have thought of.
//!
//! Units are assembled from the catalogue's own values and from words that nobody should write. The seed is fixed, so
//! that a failure comes again: it shows the unit with the lines that the difference needs.

mod assembly;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use systemd_harden::release::Release;

use self::assembly::{Assembly, Unit};
use crate::figures::{ByCheck, Judged, context, judge};
use crate::harness::scratch;

/// Changed by `SYSTEMD_HARDEN_SEED`, to look elsewhere.
const SEED: u64 = 0x5eed_0001;
/// Changed by `SYSTEMD_HARDEN_UNITS`, to look further.
const UNITS: usize = 3000;
/// systemd-analyze keeps every unit of a call in memory, and the kernel bounds the arguments.
const BATCH: usize = 500;
/// Differences after which the rest would only repeat them.
const ENOUGH: usize = 10;

#[test]
fn random_units_are_judged_as_systemd_judges_them() -> Result<()> {
    let Some(oracle) = Oracle::find()? else { return Ok(()) };
    let seed = number("SYSTEMD_HARDEN_SEED")?.unwrap_or(SEED);
    let wanted = number("SYSTEMD_HARDEN_UNITS")?.map_or(Ok(UNITS), usize::try_from)?;
    let mut assembly = Assembly::new(seed, oracle.release);
    let mut wrong = Vec::new();
    let (mut compared, mut refused) = (0, 0);
    while compared < wanted && wrong.len() < ENOUGH {
        let units: Vec<Unit> = (compared..wanted.min(compared + BATCH)).map(|n| assembly.unit(n)).collect();
        let tree = oracle.tree()?;
        for unit in &units {
            unit.write(tree.path())?;
        }
        let theirs = oracle.judge(tree.path(), &units)?;
        for unit in &units {
            let ours = oracle.ours(tree.path(), unit).with_context(|| format!("seed {seed:#x}\n{unit}"))?;
            let theirs = theirs.get(&unit.id(oracle.release));
            refused += usize::from(theirs.is_none());
            if let Some(difference) = difference(ours.as_ref(), theirs)
                && wrong.len() < ENOUGH
            {
                wrong.push(oracle.least(unit.clone(), difference)?);
            }
        }
        compared += units.len();
    }
    ensure!(
        wrong.is_empty(),
        "seed {seed:#x}, systemd {}: of {compared} units these differ:\n{}",
        oracle.release,
        wrong.join("\n")
    );
    // Both sides refusing everything would agree as well.
    ensure!(refused > 0 && refused < wanted / 2, "{refused} of {wanted} units are refused");
    Ok(())
}

/// The number that a variable of the environment holds, decimal or after `0x`.
fn number(variable: &str) -> Result<Option<u64>> {
    let Ok(text) = env::var(variable) else { return Ok(None) };
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map(Some).with_context(|| format!("`{variable}` is `{text}`"))
}

/// How the two judgements differ, if they do.
fn difference(ours: Option<&Judged>, theirs: Option<&Judged>) -> Option<String> {
    let (ours, theirs) = match (ours, theirs) {
        (None, None) => return None,
        (Some(_), None) => return Some("judged, not refused".to_owned()),
        (None, Some(_)) => return Some("refused, not judged".to_owned()),
        (Some(ours), Some(theirs)) => (ours, theirs),
    };
    let mut differences = Vec::new();
    if ours.exposure != theirs.exposure {
        differences.push(format!("exposure {}, not {} tenths", ours.exposure, theirs.exposure));
    }
    for (what, ours, theirs) in
        [("badness", &ours.badness, &theirs.badness), ("share", &ours.shares, &theirs.shares)]
    {
        let ids: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for id in ids.into_iter().filter(|id| ours.get(*id) != theirs.get(*id)) {
            differences.push(format!("{what} of {id} {:?}, not {:?}", ours.get(id), theirs.get(id)));
        }
    }
    (!differences.is_empty()).then(|| differences.join("; "))
}

/// systemd's own scorer: this machine's, or that of another release in a tree.
struct Oracle {
    /// The tree to call it in; nothing means this machine.
    base: Option<PathBuf>,
    release: Release,
}

impl Oracle {
    /// The scorer of the tree that `SYSTEMD_HARDEN_MACHINE_BASE` names, or of this machine; nothing where there is
    /// none and `SYSTEMD_HARDEN_REQUIRE_MACHINE` does not ask for one.
    fn find() -> Result<Option<Self>> {
        let base = env::var_os("SYSTEMD_HARDEN_MACHINE_BASE").map(PathBuf::from);
        let found = Self::version(base.as_deref());
        match found {
            Ok(release) => Ok(Some(Self { base, release })),
            Err(error) if env::var_os("SYSTEMD_HARDEN_REQUIRE_MACHINE").is_some_and(|value| value == "1") => {
                Err(error)
            }
            Err(error) => {
                writeln!(std::io::stderr(), "did not run: {error:#}")?;
                Ok(None)
            }
        }
    }

    fn version(base: Option<&Path>) -> Result<Release> {
        let output = run(&mut command(base, ["--version".into()]))?;
        ensure!(output.status.success(), "systemd-analyze: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout)?;
        // `systemd 252 (252.39-1~deb12u2)`, and without a distributor's version the release alone.
        let mut words = text.split_ascii_whitespace().skip(1);
        let major = words.next().context("systemd-analyze does not say its release")?;
        let release =
            words.next().and_then(|word| word.strip_prefix('(')?.strip_suffix(')')).unwrap_or(major);
        ensure!(
            (250..=262).contains(&major.parse::<u16>()?),
            "systemd-analyze {major} judges no files, or by rules that are not known here"
        );
        release.parse()
    }

    /// A folder that the scorer can reach.
    fn tree(&self) -> Result<tempfile::TempDir> {
        match &self.base {
            None => scratch(),
            Some(base) => Ok(tempfile::tempdir_in(base.join("tmp"))?),
        }
    }

    /// What we say of a unit.
    fn ours(&self, tree: &Path, unit: &Unit) -> Result<Option<Judged>> {
        judge(tree, "", &unit.name, context(&format!("{}/offline", self.release))?)
    }

    /// How the judgements of a unit differ once it has lost every line without which they still do.
    fn least(&self, mut unit: Unit, mut found: String) -> Result<String> {
        let differ = |unit: &Unit| -> Result<Option<String>> {
            let tree = self.tree()?;
            unit.write(tree.path())?;
            let theirs = self.judge(tree.path(), std::slice::from_ref(unit))?;
            let ours = self.ours(tree.path(), unit)?;
            Ok(difference(ours.as_ref(), theirs.get(&unit.id(self.release))))
        };
        if differ(&unit)?.is_none() {
            return Ok(format!("only among the other units: {found}\n{unit}"));
        }
        let mut line = 0;
        while let Some(less) = unit.without_line(line) {
            match differ(&less)? {
                Some(difference) => (unit, found) = (less, difference),
                None => line += 1,
            }
        }
        Ok(format!("{found}\n{unit}"))
    }

    /// What the scorer says of the units, by their names. It prints the units that it does not refuse in the order
    /// asked: their names in the text, and what came of each check in the JSON.
    fn judge(&self, tree: &Path, units: &[Unit]) -> Result<BTreeMap<String, Judged>> {
        let seen = match &self.base {
            None => tree.to_owned(),
            Some(base) => Path::new("/").join(tree.strip_prefix(base)?),
        };
        let call = |json: &str| {
            let mut root = OsString::from("--root=");
            root.push(&seen);
            let fixed = ["security".into(), "--offline=yes".into(), "--no-pager".into(), json.into(), root];
            let names = units.iter().map(|unit| unit.name.clone().into());
            let mut command = command(self.base.as_deref(), fixed.into_iter().chain(names));
            // A folder without any of the units: what lies in the current one would come first.
            command.env("SYSTEMD_ANALYZE_DEBUG", "1").env("LC_ALL", "C.UTF-8").current_dir("/");
            run(&mut command)
        };
        let (text, json) = thread::scope(|scope| {
            let text = scope.spawn(|| call("--json=off"));
            let json = call("--json=short");
            (text.join(), json)
        });
        let Ok(text) = text else { bail!("the thread that read the text panicked") };
        let (text, json) = (text?, json?);
        let overall = overall(&String::from_utf8(text.stdout)?)?;
        let rows: Vec<Vec<Row>> = serde_json::Deserializer::from_slice(&json.stdout)
            .into_iter()
            .collect::<Result<_, _>>()
            .context("the JSON of systemd-analyze")?;
        ensure!(
            overall.len() == rows.len(),
            "{} units in the text and {} in the JSON: {}",
            overall.len(),
            rows.len(),
            String::from_utf8_lossy(&json.stderr)
        );
        let judged = overall.into_iter().zip(rows).map(|((name, exposure), rows)| {
            let badness = rows.iter().map(|row| (row.json_field.clone(), row.badness())).collect();
            let shares: Result<ByCheck> =
                rows.iter().map(|row| Ok((row.json_field.clone(), row.tenths()?))).collect();
            Ok((name, Judged { exposure, badness, shares: shares? }))
        });
        judged.collect()
    }
}

/// One check of the JSON; the figures are those of `SYSTEMD_ANALYZE_DEBUG=1`.
#[derive(Deserialize)]
struct Row {
    json_field: String,
    badness: u64,
    exposure: Option<String>,
}

impl Row {
    /// Nothing where it does not apply.
    fn badness(&self) -> Option<u64> {
        (self.badness != u64::MAX).then_some(self.badness)
    }

    fn tenths(&self) -> Result<Option<u64>> {
        self.exposure.as_deref().map(tenths).transpose()
    }
}

/// The units' names and exposures: `→ Overall exposure level for a.service: 9.6 UNSAFE …`.
fn overall(text: &str) -> Result<Vec<(String, u64)>> {
    let lines = text.lines().filter_map(|line| line.split_once("Overall exposure level for "));
    let units = lines.map(|(_, line)| {
        let (name, rest) = line.split_once(": ").context("a unit without exposure")?;
        let exposure = rest.split_ascii_whitespace().next().context("an empty exposure")?;
        Ok((name.to_owned(), tenths(exposure)?))
    });
    units.collect()
}

fn tenths(exposure: &str) -> Result<u64> {
    let (whole, tenth) = exposure.split_once('.').with_context(|| format!("`{exposure}`"))?;
    Ok(10 * whole.parse::<u64>()? + tenth.parse::<u64>()?)
}

fn command(base: Option<&Path>, arguments: impl IntoIterator<Item = OsString>) -> Command {
    let mut command = match base {
        None => Command::new("systemd-analyze"),
        Some(base) => {
            // systemd 257 refuses some settings where it sees no control groups.
            // What the kernel has of namespaces, it reads in /proc.
            let script = "for at in sys proc; do mount --rbind /$at \"$1/$at\"; done && exec chroot \"$@\"";
            let mut command = Command::new("unshare");
            command.args(["--mount", "--propagation=private", "sh", "-c", script, "sh"]);
            command.arg(base).arg("systemd-analyze");
            command
        }
    };
    command.args(arguments).env_remove("SYSTEMD_UNIT_PATH");
    command
}

fn run(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("`{}` cannot be run", command.get_program().display()))
}
