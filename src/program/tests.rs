use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::*;
use crate::catalogue::DEFAULT_PATH;

/// A tree with a directory of programs.
fn tree() -> Result<tempfile::TempDir> {
    let tree = tempfile::tempdir()?;
    for folder in ["usr/bin", "usr/lib/x86_64-linux-gnu", "usr/lib/app"] {
        fs::create_dir_all(tree.path().join(folder))?;
    }
    symlink("usr/bin", tree.path().join("bin"))?;
    symlink("usr/lib", tree.path().join("lib"))?;
    Ok(tree)
}

/// Compiles a text; `more` are arguments of the compiler, in which `T` is the tree.
fn compile(tree: &Path, text: &str, output: &str, more: &[&str]) -> Result<()> {
    let source = tree.join("source.c");
    fs::write(&source, text)?;
    let here = tree.to_str().context("a path that is not UTF-8")?;
    let more = more.iter().map(|argument| argument.replacen("T/", &format!("{here}/"), 1));
    let compiler = Command::new("cc").arg("-o").arg(tree.join(output)).arg(&source).args(more).output();
    let compiler = compiler.context("running cc")?;
    ensure!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
    Ok(())
}

fn look(tree: &Path, name: &str) -> Result<Result<Program, String>> {
    let root = Root::open(tree)?;
    Ok(Programs::new(&root, DEFAULT_PATH.to_vec(), &["/proc/meminfo", "never"]).look(name))
}

const SHARED: [&str; 3] = ["-shared", "-fPIC", "-nostdlib"];

#[test]
fn imports_of_a_program_and_of_its_own_libraries_count_and_those_of_shared_ones_do_not() -> Result<()> {
    let tree = tree()?;
    let here = tree.path();
    compile(here, "int chown(); int own(void) { return chown(); }", "usr/lib/app/libown.so", &SHARED)?;
    let engine = [&SHARED[..], &["-Wl,-soname,libluajit-5.1.so.2"]].concat();
    compile(here, "int jit(void) { return 0; }", "usr/lib/x86_64-linux-gnu/libluajit-5.1.so.2", &engine)?;
    let link = [&SHARED[..], &["T/usr/lib/x86_64-linux-gnu/libluajit-5.1.so.2"]].concat();
    let shared = "int personality(); int jit(); int all(void) { return personality() + jit(); }";
    compile(
        here,
        shared,
        "usr/lib/x86_64-linux-gnu/libcommon.so.1",
        &[&link[..], &["-Wl,-soname,libcommon.so.1"]].concat(),
    )?;
    let program = "int own(); int all(); int getifaddrs(void *); const char *text = \"/proc/meminfo\";
        int main(void) { return own() + all() + getifaddrs(0) + text[0]; }";
    compile(
        here,
        program,
        "usr/bin/tool",
        &[
            "-Wl,--allow-shlib-undefined",
            "-Wl,--no-as-needed",
            "T/usr/lib/x86_64-linux-gnu/libcommon.so.1",
            "-Lnowhere",
            "-Wl,-rpath,$ORIGIN/../lib/app",
            "-Wl,-rpath-link,/nowhere",
            "T/usr/lib/app/libown.so",
        ],
    )?;
    // By its name alone, as a library without one of its own would be named by the path that it was linked by.
    let bytes = fs::read(here.join("usr/bin/tool"))?;
    ensure!(Elf::parse(&bytes).is_some_and(|elf| elf.is_ok()));
    let tool = look(here, "/bin/tool")?.map_err(anyhow::Error::msg)?;
    assert_eq!(tool.path, "/usr/bin/tool");
    assert_eq!(tool.imports.get("getifaddrs").map(String::as_str), Some("/usr/bin/tool"));
    assert!(!tool.imports.contains_key("personality"), "of a library that all share");
    assert_eq!(
        tool.libraries.get("libluajit-5.1.so.2").map(String::as_str),
        Some("/usr/lib/x86_64-linux-gnu/libcommon.so.1"),
        "{:?}",
        tool.libraries
    );
    assert_eq!(tool.texts.keys().copied().collect::<Vec<_>>(), ["/proc/meminfo"]);
    Ok(())
}

#[test]
fn a_library_that_only_a_run_path_leads_to_is_a_part_of_the_program() -> Result<()> {
    let tree = tree()?;
    let here = tree.path();
    let named = [&SHARED[..], &["-Wl,-soname,libown.so"]].concat();
    compile(here, "int chown(); int own(void) { return chown(); }", "usr/lib/app/libown.so", &named)?;
    let link =
        ["-LT/usr/lib/app", "-Wl,-rpath,$ORIGIN/../lib/app", "-l:libown.so", "-Wl,--allow-shlib-undefined"];
    compile(here, "int own(); int main(void) { return own(); }", "usr/bin/tool", &link)?;
    let tool = look(here, "tool")?.map_err(anyhow::Error::msg)?;
    assert_eq!(tool.imports.get("chown").map(String::as_str), Some("/usr/lib/app/libown.so"));
    Ok(())
}

#[test]
fn scripts_have_words_and_an_interpreter_at_the_end_of_the_chain() -> Result<()> {
    let tree = tree()?;
    let here = tree.path();
    compile(here, "int main(void) { return 0; }", "usr/bin/dash", &[])?;
    symlink("dash", here.join("usr/bin/sh"))?;
    fs::write(here.join("usr/bin/wrapper"), "#!/bin/sh\nexec \"$@\"\n")?;
    fs::write(
        here.join("usr/bin/start"),
        "#! /usr/bin/env -S wrapper\n# chmod\n  chown app:app /run/app; mount -a\n",
    )?;
    let start = look(here, "/usr/bin/start")?.map_err(anyhow::Error::msg)?;
    let script = start.script.context("no script")?;
    assert_eq!(script.language(), "wrapper");
    assert!(
        script.words.contains("chown") && script.words.contains("mount") && !script.words.contains("chmod")
    );
    assert_eq!(start.interpreter.as_deref(), Some("/usr/bin/dash"));
    for (first, language) in
        [("/usr/bin/perl5.36", "perl"), ("/bin/sh -e", "sh"), ("/usr/bin/env LC_ALL=C python3", "python")]
    {
        let script = Script::parse(format!("#!{first}\n").as_bytes()).context("no script")?;
        assert_eq!(script.language(), language, "{first}");
    }
    assert_eq!(Script::parse(b"#!\n"), None);
    assert_eq!(Script::parse(b"#!/usr/bin/env\n"), None);
    Ok(())
}

#[test]
fn scripts_that_run_each_other_come_to_an_end() -> Result<()> {
    let tree = tree()?;
    fs::write(tree.path().join("usr/bin/a"), "#!/usr/bin/b\n")?;
    fs::write(tree.path().join("usr/bin/b"), "#!/usr/bin/a\n")?;
    look(tree.path(), "/usr/bin/a")?.map_err(anyhow::Error::msg)?;
    Ok(())
}

#[test]
fn file_capabilities_are_read_in_each_revision() {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let bind = 1 << 10;
    assert_eq!(file_capabilities(&words(&[0x0100_0001, bind, 0])), Some(1 << 10));
    assert_eq!(file_capabilities(&words(&[0x0200_0001, bind, 0, 1 << 8, 0])), Some(1 << 10 | 1 << 40));
    assert_eq!(file_capabilities(&words(&[0x0300_0000, bind, 0, 0, 0, 1000])), Some(1 << 10));
    for broken in [&[][..], &[1, 2], &[0, 0, 0, 2], &[0, 0, 0, 9, 0, 0, 0, 0]] {
        assert_eq!(file_capabilities(broken), None, "{broken:?}");
    }
}

#[test]
fn set_id_bits_are_seen_and_what_cannot_be_looked_at_is_told() -> Result<()> {
    let tree = tree()?;
    let here = tree.path();
    compile(here, "int main(void) { return 0; }", "usr/bin/suid", &[])?;
    fs::set_permissions(here.join("usr/bin/suid"), fs::Permissions::from_mode(0o4755))?;
    assert!(look(here, "/usr/bin/suid")?.map_err(anyhow::Error::msg)?.is_set_id);
    fs::write(here.join("usr/bin/text"), "neither\n")?;
    fs::write(here.join("usr/bin/half"), b"\x7fELF\x02\x01\x01")?;
    symlink("/etc/passwd", here.join("usr/bin/out"))?;
    for (name, why) in [
        ("/usr/bin/none", "`/usr/bin/none` is not there"),
        ("/usr/bin/out", "`/usr/bin/out` is not there"),
        ("/usr/bin", "`/usr/bin` is not there"),
        ("", "`` is not there"),
        ("a/b", "`a/b` is not there"),
        ("/usr/bin/text", "`/usr/bin/text`: is neither ELF nor a script"),
    ] {
        assert_eq!(look(here, name)?.err().as_deref(), Some(why));
    }
    assert!(look(here, "/usr/bin/half")?.is_err());
    Ok(())
}

/// Every byte of a real file changed, and every length of it: nothing panics, and nothing is taken without a bound.
#[test]
fn broken_files_are_told_or_read() -> Result<()> {
    let tree = tree()?;
    let text = "int getifaddrs(void *); int main(void) { return getifaddrs(0); }";
    compile(tree.path(), text, "usr/bin/tool", &["-s"])?;
    let whole = fs::read(tree.path().join("usr/bin/tool"))?;
    let mut read = 0;
    for place in (0..whole.len()).filter(|place| *place < 4096 || place % 7 == 0) {
        for value in [0x00, 0x7f, 0xff] {
            let mut broken = whole.clone();
            if let Some(byte) = broken.get_mut(place) {
                *byte = value;
            }
            if let Some(Ok(elf)) = Elf::parse(&broken) {
                read += 1;
                assert!(elf.imports.len() < 1000 && elf.needed.len() < 1000);
            }
        }
    }
    for length in (0..whole.len()).step_by(61) {
        let _ = Elf::parse(whole.get(..length).unwrap_or_default());
    }
    ensure!(read > 1000, "only {read} could be read");
    Ok(())
}
