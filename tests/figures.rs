//! Our figure beside systemd's own: hand-made units, and real ones where a corpus is at hand.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use systemd_harden::context::{Context, Mode, Scope, UnitType};
use systemd_harden::posture::Posture;
use systemd_harden::release::Release;
use systemd_harden::score::{Badness, Exposure, assess};
use systemd_harden::syscalls::Architecture;
use systemd_harden::unit_file::{Load, Loader, Root, SearchPath, UnitName};
use systemd_harden::unit_posture::read;

#[derive(Deserialize)]
struct Vectors {
    modes: Vec<String>,
    baseline: BTreeMap<String, Figures>,
    units: Vec<Vector>,
}

#[derive(Deserialize)]
struct Figures {
    badness: BTreeMap<String, Option<u64>>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    files: BTreeMap<String, String>,
    results: Vec<Results>,
}

#[derive(Deserialize)]
struct Results {
    modes: Vec<String>,
    result: Option<Differences>,
}

#[derive(Deserialize)]
struct Differences {
    overall: u64,
    diff: BTreeMap<String, Option<u64>>,
}

pub(crate) fn context(mode: &str) -> Result<Context> {
    let (release, mode) = mode.split_once('/').context("a mode is RELEASE/MODE")?;
    Ok(Context {
        release: release.parse()?,
        mode: if mode == "online" { Mode::Loaded } else { Mode::Offline },
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    })
}

/// What we say of a unit: its figure in tenths and the badness of each check, or nothing where it is refused.
pub(crate) fn judge(root: &Path, search: &str, name: &str, context: Context) -> Result<Option<Judged>> {
    let root = Root::open(root)?;
    let mut loader = Loader::new(&root, SearchPath::from_unit_path(search)?);
    let mut unit: UnitName = name.parse()?;
    if unit.is_template() {
        unit = unit.with_instance(instance(context.release))?;
    }
    let text = match loader.load(&unit)? {
        Load::Loaded(text) => text,
        Load::Masked { .. } | Load::NotFound | Load::Unread { .. } | Load::Broken { .. } => return Ok(None),
    };
    let context = Context { unit_type: UnitType::of(text.id.as_str()), ..context };
    let reading = read(&text, &Posture::unset("", context));
    if reading.refused.is_some() {
        return Ok(None);
    }
    let assessment = assess(&reading.posture);
    let badness = assessment
        .lines
        .iter()
        .map(|line| {
            let badness = match line.badness {
                Badness::Of(badness) => Some(u64::from(badness)),
                Badness::NotApplicable | Badness::NotKnown => None,
            };
            (line.group.check.id.to_owned(), badness)
        })
        .collect();
    let shares = assessment
        .lines
        .iter()
        .map(|line| (line.group.check.id.to_owned(), line.exposure.map(Exposure::tenths)))
        .collect();
    Ok(Some(Judged { exposure: assessment.exposure.tenths(), badness, shares }))
}

/// The instance that systemd's own scorer gives a template that it reads from a file.
pub(crate) fn instance(release: Release) -> &'static str {
    if release >= Release::first(257) { "test_instance" } else { "i" }
}

/// The figure of a unit in a folder, in tenths.
pub(crate) fn offline_exposure(folder: &Path, unit: &str, release: &str) -> Result<u64> {
    let judged = judge(folder, "/", unit, context(&format!("{release}/offline"))?)?;
    Ok(judged.with_context(|| format!("{unit} is refused"))?.exposure)
}

#[test]
fn hand_made_units_are_judged_as_five_releases_judge_them() -> Result<()> {
    let vectors: Vectors = serde_json::from_str(&fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors.json"),
    )?)?;
    let mut wrong = Vec::new();
    let mut compared = 0;
    for vector in &vectors.units {
        let tree = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        for (path, text) in &vector.files {
            let path = tree.path().join("etc/systemd/system").join(path);
            fs::create_dir_all(path.parent().context("a file has a folder")?)?;
            fs::write(path, text)?;
        }
        let name = vector.files.keys().find(|path| !path.contains('/')).context("no unit")?;
        for results in &vector.results {
            for mode in &results.modes {
                compared += 1;
                let found = judge(tree.path(), "/etc/systemd/system", name, context(mode)?)?;
                let baseline = vectors.baseline.get(mode).context("a mode without baseline")?;
                let expected = results.result.as_ref().map(|result| {
                    let mut badness = baseline.badness.clone();
                    badness.extend(result.diff.clone());
                    (result.overall, badness)
                });
                let found = found.map(|judged| (judged.exposure, judged.badness));
                if found != expected {
                    wrong.push(describe(&vector.name, mode, found, expected));
                }
            }
        }
    }
    assert_eq!(compared, vectors.units.len() * vectors.modes.len());
    if !wrong.is_empty() {
        bail!("{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}

/// What came of a unit: figures in tenths.
pub(crate) struct Judged {
    pub(crate) exposure: u64,
    pub(crate) badness: ByCheck,
    pub(crate) shares: ByCheck,
}

pub(crate) type ByCheck = BTreeMap<String, Option<u64>>;

fn describe(
    name: &str,
    mode: &str,
    found: Option<(u64, ByCheck)>,
    expected: Option<(u64, ByCheck)>,
) -> String {
    match (found, expected) {
        (Some((found, ours)), Some((expected, theirs))) => {
            let ids: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
            let differences: Vec<String> = ids
                .into_iter()
                .filter(|id| ours.get(*id) != theirs.get(*id))
                .map(|id| format!("{id}: {:?}, not {:?}", ours.get(id), theirs.get(id)))
                .collect();
            format!("{name} {mode}: {found}, not {expected}; {}", differences.join("; "))
        }
        (found, expected) => format!(
            "{name} {mode}: {}, not {}",
            if found.is_some() { "judged" } else { "refused" },
            if expected.is_some() { "judged" } else { "refused" }
        ),
    }
}

#[derive(Deserialize)]
struct Expected {
    root: String,
    unit: String,
    exposure: Option<f64>,
    #[serde(default)]
    checks: BTreeMap<String, Option<f64>>,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0.0 to 10.0")]
fn tenths(exposure: f64) -> u64 {
    (exposure * 10.0).round() as u64
}

/// The corpus is other people's files, so it is not part of this project; `SYSTEMD_HARDEN_CORPUS` names its folder.
#[test]
fn real_units_are_judged_as_three_releases_judge_them() -> Result<()> {
    let Some(corpus) = std::env::var_os("SYSTEMD_HARDEN_CORPUS").map(PathBuf::from) else {
        writeln!(std::io::stderr(), "did not run: SYSTEMD_HARDEN_CORPUS names no corpus")?;
        return Ok(());
    };
    let roots = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    copy_with_links(&corpus.join("roots"), roots.path())?;
    let mut wrong = Vec::new();
    for release in ["252.39", "257.13", "262"] {
        let major = release.split('.').next().unwrap_or(release);
        let lines = fs::read_to_string(corpus.join(format!("expected-{major}.jsonl")))?;
        for line in lines.lines() {
            let expected: Expected = serde_json::from_str(line)?;
            let root = roots.path().join(&expected.root);
            let search = "/etc/systemd/system:/usr/lib/systemd/system";
            let found = judge(&root, search, &expected.unit, context(&format!("{release}/offline"))?)?;
            let ours = found.as_ref().map(|judged| judged.exposure);
            let theirs = expected.exposure.map(tenths);
            let shares: ByCheck =
                expected.checks.iter().map(|(id, share)| (id.clone(), share.map(tenths))).collect();
            if ours != theirs || found.is_some_and(|judged| judged.shares != shares) {
                wrong
                    .push(format!("{}/{} {release}: {ours:?}, not {theirs:?}", expected.root, expected.unit));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}

/// Copies a tree whose symbolic links were stored as files that hold their target without a line's end.
pub(crate) fn copy_with_links(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_with_links(&entry.path(), &target)?;
            continue;
        }
        let bytes = fs::read(entry.path())?;
        match std::str::from_utf8(&bytes) {
            Ok(link) if !link.is_empty() && !link.contains(['\n', ' ', '=']) => {
                std::os::unix::fs::symlink(link, target)?;
            }
            _ => fs::write(target, bytes)?,
        }
    }
    Ok(())
}
