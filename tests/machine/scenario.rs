//! One boot, many named scenarios: a machine costs seconds, and a failed scenario must not hide the rest.

use std::env;
use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use super::{Base, Boot, Machine};

/// What is tried, in a few words, and how. Scenarios share the machine: each uses names of its own.
pub(crate) type Scenario = (&'static str, fn(&Machine) -> Result<()>);

/// Boots the base that the environment names, runs the scenarios in their order, and reports each on
/// standard error, which libtest does not hold back.
///
/// `SYSTEMD_HARDEN_SCENARIO` leaves only those whose name contains its value.
///
/// # Errors
///
/// Where any scenario failed or panicked, once all have run; where the machine does not boot though the
/// host could run it. Where the host cannot, that is said in one line and nothing has failed.
pub(crate) fn run_scenarios(prepare: impl FnOnce(&Path) -> Result<()>, scenarios: &[Scenario]) -> Result<()> {
    let machine = match Machine::boot(&Base::from_environment(), prepare)? {
        Boot::Up(machine) => machine,
        Boot::Impossible(reason) => {
            writeln!(stderr(), "{} scenarios did not run: {reason}", scenarios.len())?;
            return Ok(());
        }
    };
    let wanted = env::var("SYSTEMD_HARDEN_SCENARIO").unwrap_or_default();
    let release = machine.systemd()?;
    let mut failed = Vec::new();
    for (name, scenario) in scenarios.iter().filter(|(name, _)| name.contains(&wanted)) {
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| scenario(&machine)));
        let seconds = started.elapsed().as_secs_f32();
        let word = match outcome {
            Ok(Ok(())) => "ok",
            Ok(Err(error)) => {
                writeln!(stderr(), "{error:#}")?;
                "FAILED"
            }
            Err(_) => "PANICKED",
        };
        writeln!(stderr(), "systemd {release}: {name} ... {word} ({seconds:.1} s)")?;
        if word != "ok" {
            failed.push(*name);
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} scenarios failed: {}", failed.len(), scenarios.len(), failed.join(", "));
    }
    Ok(())
}
