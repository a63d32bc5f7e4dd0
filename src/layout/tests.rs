use super::*;

fn file(kind: FileKind, name: &str) -> File {
    File { kind, name: name.to_owned(), text: String::new() }
}

#[test]
fn debhelper_finds_files_by_the_name_of_the_package_or_of_the_unit() {
    let cases = [
        (FileKind::Unit, "a.service", "a.service"),
        (FileKind::Unit, "a@.service", "a@.service"),
        (FileKind::Unit, "a.socket", "a.socket"),
        (FileKind::Unit, "b.timer", "a.b.timer"),
        (FileKind::Unit, "b@.service", "a@.b.service"),
        (FileKind::UserUnit, "a.service", "a.user.service"),
        (FileKind::UserUnit, "b@.socket", "a@.b.user.socket"),
        (FileKind::Sysusers, "a", "a.sysusers"),
        (FileKind::Sysusers, "b", "a.b.sysusers"),
        (FileKind::Tmpfiles, "b", "a.b.tmpfiles"),
        (FileKind::Manifest, "a", "systemd-harden/a.toml"),
        (FileKind::ManifestDropIn, "a.toml.d/x.toml", "systemd-harden/a.toml.d/x.toml"),
        (FileKind::DropIn, "b.service", "systemd-harden/b.service.d/50-harden.conf"),
    ];
    for (kind, name, place) in cases {
        assert_eq!(Layout::Debian.place("a", &file(kind, name)), place, "{kind:?} {name}");
    }
}

#[test]
fn sources_lie_in_one_folder() {
    let kinds = [FileKind::Unit, FileKind::DropIn, FileKind::Sysusers, FileKind::Manifest];
    for layout in [Layout::Rpm, Layout::Arch] {
        for kind in kinds {
            assert!(!layout.place("a", &file(kind, "b.service")).contains('/'));
        }
    }
}

#[test]
fn accounts_are_made_by_whoever_makes_them_on_all_targets() -> Result<()> {
    let files = [file(FileKind::Unit, "a.service"), file(FileKind::Sysusers, "a")];
    let snippet = |names: &[&str]| -> Result<String> {
        let targets = names.iter().map(|name| name.parse()).collect::<Result<Vec<Target>>>()?;
        rpm::snippet("a", &files, &targets, "header")
    };
    assert!(!snippet(&["fedora-42", "fedora-43"])?.contains("%pre\n"));
    for targets in [&["fedora-41", "fedora-42"][..], &["rhel-8"], &["systemd-252"]] {
        assert!(snippet(targets)?.contains("%pre\n%sysusers_create_package a %{SOURCE102}\n"), "{targets:?}");
    }
    let suse = snippet(&["sles-15.6"])?;
    assert!(suse.contains("%build\n%sysusers_generate_pre %{SOURCE102} a a.conf\n"), "{suse}");
    assert!(suse.contains("%pre -f a.pre\n%service_add_pre a.service\n"), "{suse}");
    assert!(snippet(&["sles-15.6", "rhel-9"]).is_err());
    Ok(())
}

#[test]
fn escaped_units_stay_what_they_are() -> Result<()> {
    let files = [file(FileKind::Unit, r"a\x2db.service")];
    let spec = rpm::snippet("a", &files, &["fedora-42".parse()?], "header")?;
    assert!(spec.contains(r"%systemd_post 'a\x2db.service'"), "{spec}");
    assert!(spec.contains("\n%{_unitdir}/a\\\\x2db.service\n"), "{spec}");
    let build = arch::snippet(&files, "header")?;
    assert!(
        build.contains(r#"install -Dm644 'a\x2db.service' "$pkgdir/usr/lib/systemd/system/a\\x2db.service""#),
        "{build}"
    );
    Ok(())
}

#[test]
fn packages_have_names_that_files_can_have() {
    for name in ["a", "libc6", "g++", "x.y_z-1"] {
        assert!(name.parse::<PackageName>().is_ok(), "{name}");
    }
    for name in ["", "../a", "a/b", ".a", "-a", "a b", "a\n"] {
        assert!(name.parse::<PackageName>().is_err(), "{name}");
    }
}
