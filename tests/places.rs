//! Where `generate` writes and what `--check` compares: nothing outside of its folder, nothing half, nothing unseen.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use anyhow::{Result, ensure};

use crate::harness::{command, scratch, tree};

const MANIFEST: &str = "edition = 1\n\n[users.a]\n\n[service]\nname = \"a\"\nexec = [\"/usr/bin/a\"]\n";

fn generate(folder: &Path, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    let output = command(&["generate", "a.toml"]).args(arguments).current_dir(folder).output()?;
    Ok((output.status.code(), String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
}

#[test]
fn check_shows_what_differs_what_is_missing_and_what_is_left_over() -> Result<()> {
    for place in ["--output", "--root"] {
        let folder = scratch()?;
        fs::write(folder.path().join("a.toml"), MANIFEST)?;
        let (status, diff, _) = generate(folder.path(), &[place, "out", "--check"])?;
        ensure!(status == Some(2), "a folder that is not there cannot be compared: {status:?} {diff}");
        let (status, written, _) = generate(folder.path(), &[place, "out"])?;
        ensure!(status == Some(0) && written.contains("a.service"), "{written}");
        let (status, diff, _) = generate(folder.path(), &[place, "out", "--check"])?;
        ensure!(status == Some(0) && diff.is_empty(), "{diff}");
        let before = tree(folder.path())?;

        fs::write(folder.path().join("a.toml"), MANIFEST.replace("/usr/bin/a", "/usr/bin/b"))?;
        let (status, diff, _) = generate(folder.path(), &[place, "out", "--check"])?;
        ensure!(status == Some(1), "{status:?}");
        ensure!(diff.contains("-ExecStart=/usr/bin/a\n+ExecStart=/usr/bin/b\n"), "{diff}");

        // Another user renames the file of none, but the sysusers.d snippet is not made any more.
        let none = MANIFEST.replace("[users.a]\n", "[users.a]\nexists = true\n");
        fs::write(folder.path().join("a.toml"), none)?;
        let (status, diff, _) = generate(folder.path(), &[place, "out", "--check"])?;
        ensure!(status == Some(1) && diff.contains("-u a - - - /usr/sbin/nologin"), "{diff}");
        ensure!(diff.contains("+++ /dev/null"), "{diff}");

        fs::write(folder.path().join("a.toml"), MANIFEST)?;
        ensure!(tree(folder.path())? == before, "--check wrote something");
    }
    Ok(())
}

#[test]
fn drop_ins_that_are_left_over_are_seen() -> Result<()> {
    let folder = scratch()?;
    fs::write(folder.path().join("a.toml"), MANIFEST)?;
    generate(folder.path(), &["--drop-in", "--root", "out"])?;
    let renamed = MANIFEST.replace("name = \"a\"", "name = \"b\"");
    fs::write(folder.path().join("a.toml"), format!("{renamed}\n[package]\nname = \"a\"\n"))?;
    let (status, diff, _) = generate(folder.path(), &["--drop-in", "--root", "out", "--check"])?;
    ensure!(status == Some(1), "{status:?}");
    ensure!(diff.contains("--- /usr/lib/systemd/system/a.service.d/50-harden.conf"), "{diff}");
    Ok(())
}

#[test]
fn no_link_below_the_root_leads_a_write_out_of_it() -> Result<()> {
    let folder = scratch()?;
    fs::write(folder.path().join("a.toml"), MANIFEST)?;
    let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
    fs::create_dir_all(&outside)?;
    fs::create_dir_all(root.join("usr/lib/systemd"))?;
    symlink("../../../../outside", root.join("usr/lib/systemd/system"))?;
    symlink(&outside, root.join("usr/lib/sysusers.d"))?;
    let (status, _, stderr) = generate(folder.path(), &["--root", "root"])?;
    ensure!(tree(&outside)?.is_empty(), "written outside: {:?}", tree(&outside)?.keys());
    ensure!(status == Some(2) || status == Some(0), "{status:?}: {stderr}");
    Ok(())
}

#[test]
fn files_are_whole_readable_and_alone() -> Result<()> {
    let folder = scratch()?;
    fs::write(folder.path().join("a.toml"), MANIFEST)?;
    for _ in 0..2 {
        generate(folder.path(), &["--output", "out"])?;
    }
    let names: Vec<String> = tree(&folder.path().join("out"))?.into_keys().collect();
    ensure!(names == ["a.service", "a.sysusers"], "{names:?}");
    for name in names {
        let mode = fs::metadata(folder.path().join("out").join(&name))?.permissions().mode() & 0o7777;
        ensure!(mode == 0o644, "{name}: {mode:o}");
    }
    Ok(())
}

#[test]
fn nothing_is_written_where_a_file_cannot_be() -> Result<()> {
    let folder = scratch()?;
    fs::write(folder.path().join("a.toml"), MANIFEST)?;
    fs::create_dir_all(folder.path().join("out"))?;
    // A folder stands where the unit should.
    fs::create_dir_all(folder.path().join("out/a.service"))?;
    let (status, _, stderr) = generate(folder.path(), &["--output", "out"])?;
    ensure!(status == Some(2) && stderr.contains("a.service"), "{status:?}: {stderr}");
    let (status, _, stderr) = generate(folder.path(), &["--output", "a.toml"])?;
    ensure!(status == Some(2) && stderr.contains("a.toml"), "{status:?}: {stderr}");
    Ok(())
}
