//! What one question costs inside the program: a unit from its text, a manifest rendered, the catalogue walked.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, bail};
use criterion::Criterion;
use systemd_harden::catalogue;
use systemd_harden::commands::manifest_file;
use systemd_harden::context::{Context, Mode, Scope, UnitType};
use systemd_harden::posture::Posture;
use systemd_harden::release::Release;
use systemd_harden::render::{Form, render};
use systemd_harden::score::assess;
use systemd_harden::syscalls::Architecture;
use systemd_harden::target::Target;
use systemd_harden::unit_file::{Load, Loader, Root, SearchPath, UnitName};
use systemd_harden::unit_posture::read;

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/units/barycenter/barycenter.toml");

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    judgement(&mut criterion)?;
    rendering(&mut criterion)?;
    criterion.bench_function("walk the catalogue", |bencher| {
        bencher.iter(|| catalogue::all().iter().map(|row| black_box(row.index())).sum::<usize>());
    });
    criterion.final_summary();
    Ok(())
}

/// A unit that is loaded already, from its lines to its figure.
fn judgement(criterion: &mut Criterion) -> Result<()> {
    let manifest = manifest_file::read(Path::new(MANIFEST))?.manifest;
    let target: Target = Target::DEFAULT.parse()?;
    let tree = tempfile::tempdir()?;
    for file in render(&manifest, std::slice::from_ref(&target), Form::Units)? {
        std::fs::write(tree.path().join(file.flat_name()), &file.text)?;
    }
    let root = Root::open(tree.path())?;
    let name: UnitName = "barycenter.service".parse()?;
    let Load::Loaded(unit) = Loader::new(&root, SearchPath::from_unit_path("/")?).load(&name)? else {
        bail!("the manifest renders no barycenter.service");
    };
    let context = Context {
        release: Release::latest(252),
        mode: Mode::Offline,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    };
    criterion.bench_function("judge a unit from its lines", |bencher| {
        bencher.iter(|| assess(&read(black_box(&unit), &Posture::unset("", context)).posture).exposure);
    });
    Ok(())
}

/// A manifest that is read already, from its needs to its files.
fn rendering(criterion: &mut Criterion) -> Result<()> {
    let manifest = manifest_file::read(Path::new(MANIFEST))?.manifest;
    let target: Target = Target::DEFAULT.parse()?;
    render(&manifest, std::slice::from_ref(&target), Form::Units)?;
    criterion.bench_function("render a manifest", |bencher| {
        bencher.iter(|| {
            render(black_box(&manifest), std::slice::from_ref(&target), Form::Units)
                .map(|files| files.len())
                .ok()
        });
    });
    Ok(())
}
