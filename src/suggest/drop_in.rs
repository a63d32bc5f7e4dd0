//! A suggestion as the text of a drop-in, with what speaks for and against each line as comments.

use std::fmt::Write as _;

use super::{Purpose, Step, Suggestion};

/// Where an administrator puts it. Of several drop-ins the last by name has the last word (systemd.unit(5)).
pub fn path(unit: &str, purpose: Purpose) -> String {
    let file = match purpose {
        Purpose::Harden => "50-harden.conf",
        Purpose::Restore => "zz-policy.conf",
    };
    format!("/etc/systemd/system/{unit}.d/{file}")
}

/// The drop-in; empty where there is nothing to say.
pub fn drop_in(suggestion: &Suggestion) -> String {
    let mut text = String::new();
    let Suggestion { purpose, steps, from, to, held_back } = suggestion;
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "# exposure {from} -> {to} in {} {}",
        steps.len(),
        if steps.len() == 1 { "step" } else { "steps" }
    );
    let mut section = "";
    for of in ["Unit", "Service"] {
        for step in steps.iter().filter(|step| step.directive.sections.of_service() == of) {
            if section != of {
                section = of;
                let _ = writeln!(text, "\n[{of}]");
            }
            if *purpose == Purpose::Harden {
                let _ = writeln!(text, "# -{} to {}; risk: {}", step.gain, step.exposure, step.risk.word());
                for case in cases(step) {
                    let _ = writeln!(text, "# broke {case}");
                }
            }
            for line in &step.lines {
                let _ = writeln!(text, "{}={line}", step.directive.name);
            }
        }
    }
    if !held_back.is_empty() {
        text.push_str("\n# Held back, for the lines of the unit do not tell whether it can do without:\n");
    }
    for held in held_back {
        let _ = write!(text, "#   {}={} (risk: {})", held.directive.name, held.wanted, held.risk.word());
        if !held.needs.is_empty() {
            let _ = write!(text, ", if it needs none of: {}", held.needs.join(", "));
        }
        text.push('\n');
    }
    text
}

/// The cases to look at first.
fn cases(step: &Step) -> Vec<String> {
    /// More make nobody more careful; `explain` has all.
    const MOST: usize = 2;
    let cases = step.breakages().take(MOST);
    cases.map(|case| format!("{} ({}): {}", case.service, case.source, case.symptom)).collect()
}
