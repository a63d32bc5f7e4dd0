//! Hostile input: each folder of tests/hostile holds one, with what must happen. Every run ends by itself with a status of
//! its own and a message that a terminal can be shown, and below `--root` nothing outside of it is opened.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use toml::{Table, Value};

use crate::harness::{copy_tree, project, same, scratch};
use crate::traced;

/// What no output may hold: the content of files beside the roots, which links in them lead to.
const SECRET: &str = "outside-secret";

/// Longer than any of them takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// Each folder of tests/hostile holds `case.toml`, the files that it names, and what comes of it: `status`, `stderr` and the
/// head of `stdout`, up to the first empty line. `case.toml` has the arguments as `run`, in which `HERE` is the folder, and
/// in `[files]` what git cannot hold or nobody wants to read: see [`make`]. `UPDATE_GOLDEN=1` rewrites what is expected.
#[test]
fn cases() -> Result<()> {
    let all: Vec<PathBuf> =
        fs::read_dir(project("tests/hostile"))?.map(|case| Ok(case?.path())).collect::<Result<_>>()?;
    ensure!(all.len() >= 150, "only {} hostile inputs", all.len());
    let traces = traced::can_trace()?;
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while let Some(case) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = run(case, traces)
                        && let Ok(mut failed) = failed.lock()
                    {
                        failed.push(format!("{}: {error:#}", case.display()));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

fn run(case: &Path, traces: bool) -> Result<()> {
    let scratch = scratch()?;
    let folder = scratch.path().join("case");
    copy_tree(case, &folder)?;
    let here = folder.to_str().context("a path that is not UTF-8")?;
    fs::create_dir(folder.join("outside"))?;
    fs::write(folder.join("outside/a.service"), format!("[Service]\nExecStart=/usr/bin/{SECRET}\n"))?;
    fs::write(folder.join("outside/a.toml"), format!("{SECRET} = 1\n"))?;
    fs::write(folder.join("outside/f"), SECRET)?;
    let text = fs::read_to_string(case.join("case.toml")).context("reading `case.toml`")?;
    let table: Table = text.parse().context("reading `case.toml`")?;
    if let Some(files) = table.get("files").and_then(Value::as_table) {
        for (path, what) in files {
            make(&folder, path, what).with_context(|| path.clone())?;
        }
    }
    let arguments = table.get("run").and_then(Value::as_array).context("`run` is missing")?;
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| Ok(argument.as_str().context("an argument is no string")?.replace("HERE", here)))
        .collect::<Result<_>>()?;
    let mut program = Command::new(env!("CARGO_BIN_EXE_systemd-harden"));
    // No case may reach the machine's own manager.
    let nowhere = "unix:path=/nonexistent/system_bus_socket";
    program.args(&arguments).current_dir(&folder);
    // What changes the output, and where cargo has the loader look.
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "SYSTEMD_UNIT_PATH", "LD_LIBRARY_PATH"]
    {
        program.env_remove(name);
    }
    program.env("DBUS_SYSTEM_BUS_ADDRESS", nowhere).env("DBUS_SESSION_BUS_ADDRESS", nowhere);
    let started = Instant::now();
    let log = scratch.path().join("log");
    let output = if traces {
        traced::run(&program, &log, &["-y", "-s", "8192", "-e", "trace=%file,open_by_handle_at"])?
    } else {
        program.output()?
    };
    ensure!(started.elapsed() < PATIENCE, "it took {:?}", started.elapsed());
    if traces && arguments.iter().any(|argument| argument == "--root") {
        stays_inside(&fs::read_to_string(&log)?, here, &named(&arguments))?;
    }
    judge(case, here, &output)
}

/// What holds of every run, and what this case says.
fn judge(case: &Path, here: &str, output: &Output) -> Result<()> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map(|text| text.replace(here, "HERE"));
    let (stdout, stderr) = (text(&output.stdout)?, text(&output.stderr)?);
    let status = output.status.code().with_context(|| format!("{}: {stderr}", output.status))?;
    ensure!(!stderr.contains("panicked"), "{stderr}");
    match status {
        0 => {}
        1 => ensure!(!stdout.is_empty(), "findings are told"),
        2 => ensure!(
            stderr.starts_with("systemd-harden: ")
                || stderr.starts_with("error: ")
                || stderr.contains("\nsystemd-harden: "),
            "a failure is told: {stderr}"
        ),
        _ => bail!("exit {status}: {stderr}"),
    }
    for shown in [&stdout, &stderr] {
        let obeyed = |c: char| {
            c.is_control() && !matches!(c, '\n' | '\t')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        ensure!(!shown.contains(obeyed), "a terminal would obey this: {shown:?}");
        ensure!(!shown.contains(SECRET), "what is outside was read: {shown}");
        ensure!(shown.len() < 1 << 16, "nobody reads {} bytes", shown.len());
    }
    let head = stdout.split("\n\n").next().unwrap_or_default();
    let head = if head.is_empty() || head.ends_with('\n') { head.to_owned() } else { format!("{head}\n") };
    same(&case.join("status"), &format!("{status}\n"))?;
    same(&case.join("stderr"), &stderr)?;
    same(&case.join("stdout"), &head)
}

/// Makes one file: from a string its text; from a table `bytes`, a text of which U+0080 to U+00FF stand for those bytes;
/// `repeat` that many `times` between `before` and `after`; `link`, `fifo`, `socket`, `directory`, `full` of that many names.
fn make(folder: &Path, path: &str, what: &Value) -> Result<()> {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().context("a file has a folder")?)?;
    let table = match what {
        Value::String(text) => return Ok(fs::write(path, text)?),
        Value::Table(table) => table,
        other => bail!("{other:?} makes no file"),
    };
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    let number = |key: &str| {
        table.get(key).and_then(Value::as_integer).and_then(|number| usize::try_from(number).ok())
    };
    if let Some(target) = text("link") {
        symlink(target.replace("HERE", &folder.to_string_lossy()), path)?;
    } else if let Some(part) = text("repeat") {
        let parts = part.repeat(number("times").context("how often?")?);
        fs::write(
            path,
            [text("before").unwrap_or_default(), &parts, text("after").unwrap_or_default()].concat(),
        )?;
    } else if let Some(bytes) = text("bytes") {
        let bytes = bytes.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<Vec<u8>, _>>()?;
        fs::write(path, bytes)?;
    } else if let Some(count) = number("full") {
        fs::create_dir(&path)?;
        for name in 0..count {
            fs::write(path.join(format!("{name}.conf")), text("of").unwrap_or_default())?;
        }
    } else if table.contains_key("fifo") {
        ensure!(Command::new("mkfifo").arg(path).status()?.success(), "mkfifo failed");
    } else if table.contains_key("socket") {
        // Its path may be longer than a socket's address.
        let short = tempfile::tempdir_in("/tmp")?;
        drop(UnixListener::bind(short.path().join("s"))?);
        ensure!(Command::new("mv").arg(short.path().join("s")).arg(path).status()?.success(), "no socket");
    } else if table.contains_key("directory") {
        fs::create_dir_all(path)?;
    } else {
        bail!("{table:?} makes no file");
    }
    Ok(())
}

/// Files that are named on the command line lie outside the root and are meant; a new one is put into its folder.
fn named(arguments: &[String]) -> BTreeSet<String> {
    let manifests = arguments.iter().filter(|argument| argument.contains(".toml")).cloned();
    let output = arguments.iter().skip_while(|argument| *argument != "-o").nth(1).cloned();
    manifests.chain(output.iter().flat_map(|file| [file.clone(), String::new()])).collect()
}

/// What the dynamic loader and the standard library open on their own.
fn is_the_loaders(path: &str) -> bool {
    let library = (path.starts_with("/lib") || path.starts_with("/usr/lib")) && path.contains(".so");
    library
        || path.starts_with("/etc/ld.so.")
        || path.starts_with("/proc/")
        || path.starts_with("/sys/fs/cgroup")
}

/// Whatever was opened lies below the root, and no other call was given a path of the machine.
fn stays_inside(log: &str, here: &str, named: &BTreeSet<String>) -> Result<()> {
    let mut opened = 0;
    for line in log.lines().filter(|line| !line.contains(" execve(") && !line.contains(" getcwd(")) {
        let is_open = ["open(", "openat(", "openat2("].iter().any(|call| line.contains(&format!(" {call}")));
        let result = line.rsplit_once(" = ").map(|(_, result)| result).unwrap_or_default();
        let path = result.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map(|(path, _)| path);
        if let (true, Some(path)) = (is_open, path) {
            opened += 1;
            let below = path.strip_prefix(here).map(|below| below.trim_start_matches('/'));
            let meant = below.is_some_and(|below| {
                below.split('/').next() == Some("root")
                    || named.iter().any(|name| below.starts_with(name.trim_start_matches("./")))
            });
            // The handle that others are opened from; where a file is written beside the root, also opened to be told.
            let is_handle = path == "/"
                && (line.contains("O_PATH") || named.contains("") && line.contains("\".\", O_RDONLY"));
            ensure!(meant || is_handle || is_the_loaders(path), "opened outside: {line}");
        } else if let Some(path) = line.split(['"']).nth(1).filter(|path| path.starts_with('/')) {
            ensure!(is_the_loaders(path), "asked outside: {line}");
        }
    }
    ensure!(opened > 2, "nothing was traced: {log}");
    Ok(())
}
