//! `generate`: manifests in, files out. Everything is rendered before anything is written.

mod against;
mod news;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::manifest_file::{self, Loaded};
use super::output::{self, Earlier, New, diff, readable};
use super::tell;
use crate::cli::Generate;
use crate::layout::{Layout, PackageName};
use crate::lint;
use crate::render::{self, DROP_IN, File, FileKind, Form};
use crate::status::Status;
use crate::target::{self, Target};
use crate::unit_file::{Kind, Root};
use crate::visible::shown;
use against::Units;

/// Runs `generate`.
pub fn generate(arguments: &Generate, out: &mut dyn Write) -> Result<Status> {
    let targets = super::targets(&arguments.target)?;
    let form = if arguments.drop_in { Form::DropIns } else { Form::Units };
    let layout = Layout::from(arguments.layout);
    let outputs = Outputs::of(&targets, arguments.split);
    let mut rendered: BTreeMap<String, Output> = BTreeMap::new();
    let mut packages = Vec::new();
    let mut laid_out: BTreeMap<(usize, String), Vec<File>> = BTreeMap::new();
    let with_manifests = arguments.root.is_some() || layout.has_manifests();
    let mut told: Vec<String> = Vec::new();
    let root = arguments.root.as_deref();
    let mut units = Units::new(root, &arguments.against)?;
    let mut news: Vec<String> = Vec::new();
    for path in &arguments.manifests {
        let loaded = manifest_file::read(path)?;
        let manifest = &loaded.manifest;
        for notice in &manifest.notices {
            tell(&notice.to_string());
        }
        packages.push(manifest.package.as_str().to_owned());
        let package = arguments.package.as_ref().map_or(manifest.package.as_str(), PackageName::as_str);
        for (position, (folder, targets)) in outputs.0.iter().enumerate() {
            let rendering = || format!("rendering `{}`", path.display());
            let fitted = target::fit(manifest, targets).with_context(rendering)?;
            let rendered_files =
                render::render_fitted(&fitted.manifest, targets, form).with_context(rendering)?;
            lint::refused(&fitted.manifest, targets, &rendered_files.files).with_context(rendering)?;
            let files = match &mut units {
                Some(units) => units.drop_ins(manifest, targets).with_context(rendering)?,
                None => rendered_files.files,
            };
            if arguments.news {
                let texts = news::texts(&fitted.manifest, targets, arguments.split, units.as_mut());
                news.extend(texts.with_context(rendering)?);
            }
            let source = if with_manifests { installed(&loaded) } else { Vec::new() };
            told.extend(fitted.replaced.iter().map(ToString::to_string));
            if rendered_files.loses {
                let losses = lint::losses(manifest, targets).with_context(rendering)?;
                told.extend(losses.iter().filter_map(lint::Fit::summary));
            }
            let own = laid_out.entry((position, package.to_owned())).or_default();
            for file in files.into_iter().chain(source) {
                let place = match (arguments.output.is_some(), folder) {
                    (true, _) => in_folder(folder.as_deref(), &layout.place(package, &file)),
                    (false, None) => file.path(),
                    (false, Some(folder)) => format!("/{folder}{}", file.path()),
                };
                let earlier = own_mark(layout, &file, manifest.package.as_str());
                let output = Output { text: file.text.clone(), manifest: path.clone(), earlier };
                own.push(file);
                if let Some(other) = rendered.insert(place.clone(), output) {
                    bail!("`{}` and `{}` both make {place}", other.manifest.display(), path.display());
                }
            }
        }
    }
    for ((position, package), files) in &laid_out {
        let Some((folder, targets)) = outputs.0.get(*position) else { continue };
        if let Some(snippet) = layout.snippet(package, files, targets)? {
            let earlier = Mark::Begins(format!("# Made by systemd-harden for {package};"));
            let output = Output { text: snippet.text, manifest: PathBuf::new(), earlier };
            rendered.insert(in_folder(folder.as_deref(), &snippet.place), output);
        }
    }
    if !arguments.check {
        for line in &told {
            tell(line);
        }
    }
    let found = units.map_or(Ok(Status::Clean), Units::end)?;
    if arguments.news {
        if news.is_empty() {
            tell("nothing becomes stricter: there is no news");
        }
        write!(out, "{}", news.join("\n"))?;
        return Ok(found);
    }
    let written = match (&arguments.root, &arguments.output) {
        (Some(folder), _) | (None, Some(folder)) => {
            let root = open(folder, arguments.check)?;
            if arguments.check {
                check(&root, &rendered, &outputs.expected(&packages), out)
            } else {
                write(&root, &rendered, arguments.replace, out)
            }
        }
        (None, None) if arguments.check => {
            bail!("--check compares files: name their place with --root or --output")
        }
        (None, None) if arguments.replace => {
            bail!("--replace replaces files: name their place with --root or --output")
        }
        (None, None) => print(&rendered, out),
    };
    Ok(written?.and(found))
}

/// A place in the folder of its target, where each has one.
fn in_folder(folder: Option<&str>, place: &str) -> String {
    folder.map_or_else(|| place.to_owned(), |folder| format!("{folder}/{place}"))
}

/// What is rendered together: all targets, or each of them into a folder of its own.
struct Outputs(Vec<(Option<String>, Vec<Target>)>);

impl Outputs {
    fn of(targets: &[Target], split: bool) -> Self {
        if split {
            Self(targets.iter().map(|target| (Some(target.name.clone()), vec![target.clone()])).collect())
        } else {
            Self(vec![(None, targets.to_vec())])
        }
    }

    fn expected(&self, packages: &[String]) -> Expected {
        Expected {
            folders: self.0.iter().map(|(folder, _)| folder.clone().unwrap_or_default()).collect(),
            starts: packages.iter().map(|package| beginning(package)).collect(),
        }
    }
}

/// Where files of an earlier render may lie, and how they begin.
struct Expected {
    folders: Vec<String>,
    starts: Vec<String>,
}

struct Output {
    text: String,
    manifest: PathBuf,
    earlier: Mark,
}

/// By what a file of an earlier render is known.
enum Mark {
    Begins(String),
    /// By its place alone.
    Place,
    Nothing,
}

/// A manifest is copied as it stands: in a folder of ours that is enough, among the sources of a package it may be
/// somebody else's.
fn own_mark(layout: Layout, file: &File, package: &str) -> Mark {
    match (file.kind, layout) {
        (FileKind::Manifest | FileKind::ManifestDropIn, Layout::Rpm | Layout::Arch) => Mark::Nothing,
        (FileKind::Manifest | FileKind::ManifestDropIn, Layout::Flat | Layout::Debian) => Mark::Place,
        _ => Mark::Begins(beginning(package)),
    }
}

impl Output {
    fn at<'a>(&'a self, place: &'a str) -> New<'a> {
        let earlier = match &self.earlier {
            Mark::Begins(start) => Earlier::Begins(start),
            Mark::Place => Earlier::Any,
            Mark::Nothing => Earlier::None,
        };
        New { place, path: below(place), text: &self.text, earlier }
    }
}

/// The first words of what is rendered for a package.
fn beginning(package: &str) -> String {
    format!("# Made by systemd-harden from {package}.toml;")
}

/// The manifest itself and the drop-ins beside it, where `score` looks for them.
fn installed(loaded: &Loaded) -> Vec<File> {
    let package = loaded.manifest.package.as_str();
    let own = File { kind: FileKind::Manifest, name: package.to_owned(), text: loaded.source.clone() };
    let drop_ins = loaded.drop_ins.iter().map(|(name, text)| File {
        kind: FileKind::ManifestDropIn,
        name: format!("{package}.toml.d/{name}"),
        text: text.clone(),
    });
    std::iter::once(own).chain(drop_ins).collect()
}

fn open(folder: &Path, check: bool) -> Result<Root> {
    if !check {
        std::fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
    }
    Root::open(folder)
}

/// The place of a file below a root; a file of a flat folder lies in it.
fn below(place: &str) -> PathBuf {
    Path::new("/").join(place)
}

/// As `systemctl cat` shows units.
fn print(rendered: &BTreeMap<String, Output>, out: &mut dyn Write) -> Result<Status> {
    let files = rendered.iter().map(|(place, output)| format!("# {place}\n{}", output.text));
    super::print(out, &files.collect::<Vec<_>>().join("\n"))?;
    Ok(Status::Clean)
}

fn write(
    root: &Root,
    rendered: &BTreeMap<String, Output>,
    replaces_any: bool,
    out: &mut dyn Write,
) -> Result<Status> {
    let files: Vec<New<'_>> = rendered.iter().map(|(place, output)| output.at(place)).collect();
    output::write(root, &files, replaces_any)?;
    for place in rendered.keys() {
        writeln!(out, "{}", shown(place))?;
    }
    Ok(Status::Clean)
}

fn check(
    root: &Root,
    rendered: &BTreeMap<String, Output>,
    expected: &Expected,
    out: &mut dyn Write,
) -> Result<Status> {
    let mut status = Status::Clean;
    for (place, output) in rendered {
        let found = root.read(&below(place)).with_context(|| format!("reading `{place}`"))?;
        let old = found.map(|bytes| readable(&bytes));
        if old.as_deref() != Some(output.text.as_str()) {
            out.write_all(diff(place, old.as_deref(), Some(&output.text)).as_bytes())?;
            status = Status::Findings;
        }
    }
    for (place, text) in left_over(root, rendered, expected)? {
        out.write_all(diff(&place, Some(&text), None).as_bytes())?;
        status = Status::Findings;
    }
    Ok(status)
}

/// Files of an earlier render that this one does not make any more: their first line names the manifest.
fn left_over(
    root: &Root,
    rendered: &BTreeMap<String, Output>,
    expected: &Expected,
) -> Result<Vec<(String, String)>> {
    const FOLDERS: [&str; 6] = [
        "",
        "systemd-harden",
        "usr/lib/systemd/system",
        "usr/lib/systemd/user",
        "usr/lib/sysusers.d",
        "usr/lib/tmpfiles.d",
    ];
    let start = if rendered.keys().any(|place| place.starts_with('/')) { "/" } else { "" };
    let mut found = Vec::new();
    let folders = expected.folders.iter().flat_map(|own| FOLDERS.map(|folder| [own.as_str(), folder]));
    for folder in folders {
        let folder: Vec<&str> = folder.into_iter().filter(|part| !part.is_empty()).collect();
        let Some(entries) = root.read_dir_sorted(&below(&folder.join("/")))? else { continue };
        for entry in entries {
            let Some(name) = entry.name.to_str() else { continue };
            // A folder of drop-ins may hold ours.
            let name =
                if entry.kind == Kind::Directory { format!("{name}/{DROP_IN}") } else { name.to_owned() };
            let path: Vec<&str> = folder.iter().copied().chain([name.as_str()]).collect();
            let place = format!("{start}{}", path.join("/"));
            if rendered.contains_key(&place) {
                continue;
            }
            // What is no regular file was not made here.
            let Ok(Some(bytes)) = root.read(&below(&place)) else { continue };
            let text = readable(&bytes);
            if expected.starts.iter().any(|start| text.starts_with(start)) {
                found.push((place, text));
            }
        }
    }
    Ok(found)
}
