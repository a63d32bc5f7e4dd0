//! `import` with evidence of programs below a root: what they import, name, say and may becomes needs and comments.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command as Process;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::harness::{command, scratch};

/// A tree with one service, whose program is compiled from this text.
fn tree(unit: &str, program: &str) -> Result<TempDir> {
    let tree = scratch()?;
    for folder in ["usr/lib/systemd/system", "usr/bin"] {
        fs::create_dir_all(tree.path().join(folder))?;
    }
    symlink("usr/bin", tree.path().join("bin"))?;
    fs::write(tree.path().join("usr/lib/systemd/system/app.service"), unit)?;
    let library = "int sd_notify(void) { return 0; }";
    let name = "usr/lib/libsystemd.so.0";
    compile(tree.path(), library, &["-shared", "-fPIC", "-Wl,-soname,libsystemd.so.0", "-o", name])?;
    compile(tree.path(), program, &["-Wl,--as-needed", "-o", "usr/bin/app", name])?;
    Ok(tree)
}

/// Compiles a text, with arguments whose paths are in the tree; libraries come after the text.
fn compile(tree: &Path, text: &str, arguments: &[&str]) -> Result<()> {
    fs::write(tree.join("app.c"), text)?;
    let output = Process::new("cc").arg("app.c").args(arguments).current_dir(tree).output();
    let output = output.context("running cc")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The manifest, and what was told.
fn import(tree: &Path, more: &[&str]) -> Result<(String, String)> {
    let output = command(&["import", "app", "--root"]).arg(tree).args(more).output()?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(0), "{told}");
    let manifest = tree.join("app.toml");
    fs::write(&manifest, &output.stdout)?;
    let rendered = command(&["generate", "--drop-in", "--target", "debian-12"]).arg(&manifest).output()?;
    ensure!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    Ok((String::from_utf8(output.stdout)?, told))
}

fn has(text: &str, line: &str) -> Result<()> {
    ensure!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
    Ok(())
}

const PROGRAM: &str =
    "int chown(); int setuid(); int getifaddrs(); int sched_setscheduler(); int sd_notify();
    int main(void) { return chown() + setuid() + getifaddrs() + sched_setscheduler() + sd_notify(); }";

#[test]
fn what_a_program_imports_becomes_needs_and_comments() -> Result<()> {
    let tree = tree("[Service]\nExecStart=/bin/app\nExecStop=/usr/bin/none\n", PROGRAM)?;
    let (manifest, told) = import(tree.path(), &[])?;
    has(&manifest, "becomes-users = \"/usr/bin/app imports setuid\"")?;
    has(&manifest, "others-files = { access = \"own\", because = \"/usr/bin/app imports chown\" }")?;
    has(&manifest, "interfaces = \"/usr/bin/app imports getifaddrs\"")?;
    has(&manifest, "# Not looked at: `/usr/bin/none` is not there")?;
    ensure!(told.is_empty(), "{told}");
    ensure!(
        manifest.contains("\n# claims.realtime = \"/usr/bin/app imports sched_setscheduler: "),
        "{manifest}"
    );
    ensure!(manifest.contains("\n# /usr/bin/app imports sd_notify: it may tell"), "{manifest}");
    has(&manifest, "# generates-code = \"no sign of it; looked at: /usr/bin/app\"")?;
    // The comments are lines of a manifest.
    let commented = |line: &str| {
        line.starts_with("# [") || line.starts_with("# claims") || line.starts_with("# generates")
    };
    let lines: Vec<&str> = manifest.lines().filter(|line| commented(line)).map(|line| &line[2..]).collect();
    let table: toml::Table = lines.join("\n").parse()?;
    ensure!(table.contains_key("needs") && table.contains_key("denies"), "{table:?}");
    Ok(())
}

#[test]
fn other_abis_compilers_of_what_they_run_plugins_and_handed_over_sockets_are_seen() -> Result<()> {
    let program = "int setgroups(); int personality(); int dlopen(); int sd_listen_fds();
        int main(void) { return setgroups() + personality() + dlopen() + sd_listen_fds(); }";
    let tree = tree("[Service]\nExecStart=/usr/bin/app\n", "int main(void) { return 0; }")?;
    let library = |name: &str, text: &str| {
        let file = format!("usr/lib/{name}");
        compile(tree.path(), text, &["-shared", "-fPIC", &format!("-Wl,-soname,{name}"), "-o", &file])
    };
    library("libsystemd.so.0", "int sd_listen_fds(void) { return 0; }")?;
    library("libluajit-5.1.so.2", "int lua(void) { return 0; }")?;
    compile(
        tree.path(),
        program,
        &["-Wl,--no-as-needed", "-o", "usr/bin/app", "usr/lib/libsystemd.so.0", "usr/lib/libluajit-5.1.so.2"],
    )?;
    let (manifest, told) = import(tree.path(), &[])?;
    ensure!(told.is_empty(), "{told}");
    for (sign, line) in [
        ("setgroups", "becomes-users = \"/usr/bin/app imports setgroups\""),
        ("personality", "foreign-abi = "),
        ("an engine", "generates-code = \"/usr/bin/app is linked with libluajit-5.1.so.2"),
        ("dlopen", "# /usr/bin/app imports dlopen: it loads code at run time"),
        ("sd_listen_fds", "# /usr/bin/app imports sd_listen_fds: it may take its sockets from the manager"),
    ] {
        ensure!(manifest.lines().any(|found| found.starts_with(line)), "no sign of {sign} in\n{manifest}");
    }
    ensure!(manifest.contains("/usr/bin/app imports personality"), "{manifest}");
    Ok(())
}

#[test]
fn what_the_unit_denies_is_not_listed() -> Result<()> {
    let unit = "[Service]\nExecStart=/usr/bin/app\nUser=app\nRestrictAddressFamilies=AF_UNIX\nRestrictRealtime=yes\n\
        MemoryDenyWriteExecute=yes\n";
    let tree = tree(unit, PROGRAM)?;
    let (manifest, _) = import(tree.path(), &[])?;
    for word in ["interfaces = ", "becomes-users", "others-files", "claims.realtime", "# generates-code"] {
        let is_need =
            |line: &str| line.trim_start_matches("# ").starts_with(word) && line.contains("/usr/bin/app");
        ensure!(!manifest.lines().any(is_need), "`{word}` in\n{manifest}");
    }
    Ok(())
}

#[test]
fn a_strictness_that_is_asked_for_closes_what_nothing_speaks_for() -> Result<()> {
    let tree = tree("[Service]\nExecStart=/usr/bin/app\n", PROGRAM)?;
    let (manifest, _) = import(tree.path(), &["--strictness", "strict"])?;
    has(&manifest, "strictness = \"strict\"")?;
    ensure!(!manifest.contains("[override"), "{manifest}");
    has(&manifest, "interfaces = \"/usr/bin/app imports getifaddrs\"")?;
    Ok(())
}

#[test]
fn no_evidence_is_looked_for_where_none_is_wanted() -> Result<()> {
    let tree = tree("[Service]\nExecStart=/usr/bin/app\nExecStop=/usr/bin/none\n", PROGRAM)?;
    let (manifest, told) = import(tree.path(), &["--evidence", "never"])?;
    ensure!(!manifest.contains("/usr/bin/app imports") && told.is_empty(), "{manifest}{told}");
    ensure!(!manifest.contains("Not looked at"), "{manifest}");
    Ok(())
}

#[test]
fn scripts_are_run_by_their_interpreter_and_say_what_they_do() -> Result<()> {
    let tree = tree("[Service]\nExecStart=/usr/bin/start\n", "int main(void) { return 0; }")?;
    fs::rename(tree.path().join("usr/bin/app"), tree.path().join("usr/bin/sh"))?;
    fs::write(tree.path().join("usr/bin/start"), "#!/bin/sh\nchown app /run/app\n")?;
    let (manifest, _) = import(tree.path(), &[])?;
    has(
        &manifest,
        "others-files = { access = \"own\", because = \"/usr/bin/start, a script of sh, says chown\" }",
    )?;
    has(&manifest, "\"/usr/bin/sh\" = \"/usr/bin/start is run by /usr/bin/sh\"")?;
    Ok(())
}

/// Only root may give a file capabilities.
#[test]
fn file_capabilities_are_capabilities_of_the_service() -> Result<()> {
    let tree = tree("[Service]\nExecStart=/usr/bin/app\nUser=app\n", "int main(void) { return 0; }")?;
    // Revision 2 with the effective bit, and CAP_NET_BIND_SERVICE permitted (include/uapi/linux/capability.h).
    let words = [0x0200_0001_u32, 1 << 10, 0, 0, 0];
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let set = rustix::fs::setxattr(
        tree.path().join("usr/bin/app"),
        "security.capability",
        &value,
        rustix::fs::XattrFlags::empty(),
    );
    if set.is_err() {
        return crate::traced::left_out("a file with capabilities", "nobody but root may make one");
    }
    let (manifest, _) = import(tree.path(), &["--strictness", "default"])?;
    let because = "the file /usr/bin/app gives CAP_NET_BIND_SERVICE (security.capability)";
    has(&manifest, &format!("CAP_NET_BIND_SERVICE = \"{because}\""))?;
    let text =
        command(&["generate", "--target", "debian-12"]).arg(tree.path().join("app.toml")).output()?.stdout;
    has(&String::from_utf8(text)?, "AmbientCapabilities=CAP_NET_BIND_SERVICE")
}

#[test]
fn broken_programs_are_told_and_nothing_else() -> Result<()> {
    let tree = tree("[Service]\nExecStart=/usr/bin/app\n", "int main(void) { return 0; }")?;
    fs::write(tree.path().join("usr/bin/app"), b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01")?;
    let (manifest, told) = import(tree.path(), &[])?;
    ensure!(told.is_empty(), "{told}");
    ensure!(manifest.contains("# Not looked at: `/usr/bin/app`: is no whole ELF file"), "{manifest}");
    Ok(())
}
