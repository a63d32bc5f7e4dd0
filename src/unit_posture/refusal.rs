//! Units that systemd does not start because of how they are started: what it checks once all files are read (systemd
//! 262, `service_verify`, `socket_verify`, `mount_verify` and `swap_verify`), as far as it bears on a unit that shall be
//! judged. Settings of the sandbox that contradict each other are the catalogue's.

mod places;

use super::values::is_exit_status;
use crate::catalogue;
use crate::context::UnitType;
use crate::posture::Posture;
use crate::syntax::boolean;
use crate::unit_file::{Assignment, UnitText};
use crate::value::is_bus_name;

/// A line that systemd keeps.
pub(super) struct Kept<'a> {
    /// What it says.
    pub(super) assignment: &'a Assignment,
    /// How many commands that has.
    pub(super) commands: usize,
}

/// Why systemd refuses a unit as a whole, if it does; `posture` is what its lines come to.
pub(super) fn of_unit(unit: &UnitText, lines: &[Kept<'_>], posture: &Posture) -> Option<&'static str> {
    let major = posture.context.release.major;
    let own = match posture.context.unit_type {
        UnitType::Service => Service::read(lines, major).refusal(posture),
        UnitType::Socket => places::of_socket(&unit.id, lines, major),
        UnitType::Mount => places::of_mount(&unit.id, lines, major),
        UnitType::Swap => places::of_swap(&unit.id, lines, major),
        UnitType::Other => return None,
    };
    own.or_else(|| catalogue::refusal(posture))
}

/// The last word of each setting that the checks look at; an empty assignment takes the earlier ones back.
#[derive(Default)]
struct Service<'a> {
    starts: usize,
    stops: usize,
    success_action: &'a str,
    kind: &'a str,
    remains: &'a str,
    restart: &'a str,
    restart_force: &'a str,
    exit_type: &'a str,
    bus_name: &'a str,
}

const TYPES: &[&str] = &["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];

pub(super) const ACTIONS: &[&str] = &[
    "none",
    "reboot",
    "reboot-force",
    "reboot-immediate",
    "poweroff",
    "poweroff-force",
    "poweroff-immediate",
    "exit",
    "exit-force",
];

/// Those that 252 does not know and 257 does (systemd.unit(5) of 257).
pub(super) const LATER_ACTIONS: &[&str] =
    &["soft-reboot", "soft-reboot-force", "kexec", "kexec-force", "halt", "halt-force", "halt-immediate"];

pub(super) const RESTARTS: &[&str] =
    &["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"];

pub(super) const EXIT_TYPES: &[&str] = &["main", "cgroup"];

impl<'a> Service<'a> {
    fn read(lines: &[Kept<'a>], major: u16) -> Self {
        let mut service = Self::default();
        for Kept { assignment, commands } in lines {
            let Assignment { section, key, value, .. } = *assignment;
            let value = value.as_str();
            match section.as_str() {
                "Unit" if key == "SuccessAction" => {
                    let is_later = major >= 254 && LATER_ACTIONS.contains(&value);
                    if is_later || ACTIONS.contains(&value) {
                        service.success_action = value;
                    }
                }
                "Service" => service.take(key, value, *commands, major),
                _ => {}
            }
        }
        service
    }

    fn take(&mut self, key: &str, value: &'a str, commands: usize, major: u16) {
        let count = |before: usize| if value.is_empty() { 0 } else { before + commands };
        // What is no word of a setting leaves the earlier one.
        let set = |setting: &mut &'a str, words: &[&str]| {
            if words.contains(&value) {
                *setting = value;
            }
        };
        match key {
            "ExecStart" => self.starts = count(self.starts),
            "ExecStop" => self.stops = count(self.stops),
            "Type" if value == "notify-reload" && major < 253 => {}
            "Type" => set(&mut self.kind, TYPES),
            "RemainAfterExit" if boolean(value).is_some() => self.remains = value,
            "Restart" => set(&mut self.restart, RESTARTS),
            "RestartForceExitStatus"
                if value.is_empty() || value.split_ascii_whitespace().any(is_exit_status) =>
            {
                self.restart_force = value;
            }
            "ExitType" => set(&mut self.exit_type, EXIT_TYPES),
            "BusName" if is_bus_name(value) => self.bus_name = value,
            _ => {}
        }
    }

    fn refusal(&self, posture: &Posture) -> Option<&'static str> {
        let major = posture.context.release.major;
        let succeeds = !matches!(self.success_action, "" | "none");
        // Without a type, a bus name makes it `dbus`, and from 256 on a credential `exec` (seen on 257 and 262).
        let typed = || !self.bus_name.is_empty() || (major >= 256 && catalogue::has_credentials(posture));
        let oneshot = self.kind == "oneshot" || (self.kind.is_empty() && self.starts == 0 && !typed());
        let remains = boolean(self.remains) == Some(true);
        if self.starts == 0 && self.stops == 0 && !succeeds {
            return Some("it has no ExecStart=, no ExecStop= and no SuccessAction=");
        }
        if self.starts == 0 && !oneshot {
            return Some("it has no ExecStart=, which only Type=oneshot may lack");
        }
        if self.starts == 0 && !remains && !succeeds {
            return Some(
                "it has no ExecStart=, which only RemainAfterExit=yes or SuccessAction= make up for",
            );
        }
        if self.starts > 1 && !oneshot {
            return Some("it has several ExecStart=, which only Type=oneshot may have");
        }
        if oneshot && matches!(self.restart, "always" | "on-success") {
            return Some("Restart=always and Restart=on-success are not for Type=oneshot");
        }
        if oneshot && !self.restart_force.is_empty() && major <= 255 {
            return Some("RestartForceExitStatus= is not for Type=oneshot up to systemd 255");
        }
        if oneshot && self.exit_type == "cgroup" {
            return Some("ExitType=cgroup is not for Type=oneshot");
        }
        if self.kind == "dbus" && self.bus_name.is_empty() {
            return Some("Type=dbus needs BusName=");
        }
        None
    }
}
