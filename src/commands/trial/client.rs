//! A client's request: a command of the caller's, run while the service is up.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::super::output::readable;
use crate::trial::CommandFact;
use crate::visible::shown;

/// How long is waited between two attempts: a service may be up before it listens.
const PAUSE: Duration = Duration::from_millis(250);

/// How often it is looked whether the command has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The most that is kept of what it writes, in bytes.
const LARGEST: usize = 1 << 20;

/// How long what it wrote last is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The last lines of it that are told.
const LINES: usize = 20;

/// Runs the command until it succeeds, at the longest until `until`; one that is under way then may end. `goes_on` says
/// whether to go on at all.
pub(super) fn serve(argv: &[String], until: Instant, goes_on: &dyn Fn() -> bool) -> CommandFact {
    let mut times = 0;
    loop {
        times += 1;
        let told = |succeeded: bool, ended: String, said: Vec<String>| CommandFact {
            argv: argv.iter().map(|word| shown(word)).collect(),
            succeeded,
            ended,
            times,
            said,
        };
        let fact = match once(argv, goes_on) {
            Ok((status, said)) => told(status.success(), ended(status), said),
            Err(error) => return told(false, format!("cannot be run: {error}"), Vec::new()),
        };
        if fact.succeeded || Instant::now() + PAUSE > until || !goes_on() {
            return fact;
        }
        thread::sleep(PAUSE);
    }
}

/// A command that was not run.
pub(super) fn not_run(argv: &[String]) -> CommandFact {
    CommandFact {
        argv: argv.iter().map(|word| shown(word)).collect(),
        succeeded: false,
        ended: "was not run, for the service was not up".to_owned(),
        times: 0,
        said: Vec::new(),
    }
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with {code}"),
        None => format!("ended by a signal ({status})"),
    }
}

/// Runs it once; what it says on either stream are lines of one text.
fn once(argv: &[String], goes_on: &dyn Fn() -> bool) -> std::io::Result<(ExitStatus, Vec<String>)> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let streams = [Kept::of(child.stdout.take()), Kept::of(child.stderr.take())];
    let status = wait(&mut child, goes_on)?;
    let text: String = streams.into_iter().map(Kept::end).collect();
    let lines: Vec<String> = text.lines().map(shown).collect();
    Ok((status, lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().to_vec()))
}

fn wait(child: &mut Child, goes_on: &dyn Fn() -> bool) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if !goes_on() {
            // Killing fails for a child that has just ended by itself.
            let _ = child.kill();
            return child.wait();
        }
        thread::sleep(LOOK);
    }
}

/// What a stream has said so far, read on a thread of its own.
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Kept {
    /// Keeps the first of it and reads all of it, so that its writer is not held.
    fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let Some(mut stream) = stream else { return };
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut part) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let room = LARGEST - kept.len().min(LARGEST);
                kept.extend_from_slice(part.get(..read.min(room)).unwrap_or_default());
            }
        });
        Self { bytes, reader }
    }

    /// What was said; what the command left running in the background may say more, and is not waited for.
    fn end(self) -> String {
        let until = Instant::now() + LAST_WORDS;
        while !self.reader.is_finished() && Instant::now() < until {
            thread::sleep(LOOK);
        }
        readable(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
