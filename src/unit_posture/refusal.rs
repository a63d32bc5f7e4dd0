//! Units that systemd does not start because their parts contradict each other: what it checks once all files are
//! read (systemd 262, `service_verify`), as far as it bears on a unit that shall be judged.

use crate::context::Context;
use crate::unit_file::UnitText;

/// The last word of each functional setting that the checks look at; an empty assignment takes the earlier ones back.
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
    pam: &'a str,
    kill_mode: &'a str,
}

/// Why systemd refuses a service as a whole, if it does.
pub(super) fn of_service(unit: &UnitText, context: &Context) -> Option<&'static str> {
    let mut service = Service::default();
    for assignment in &unit.assignments {
        let value = assignment.value.as_str();
        let count = |count: usize| if value.is_empty() { 0 } else { count + 1 };
        match (assignment.section.as_str(), assignment.key.as_str()) {
            ("Service", "ExecStart") => service.starts = count(service.starts),
            ("Service", "ExecStop") => service.stops = count(service.stops),
            ("Unit", "SuccessAction") => service.success_action = value,
            ("Service", "Type") => service.kind = value,
            ("Service", "RemainAfterExit") => service.remains = value,
            ("Service", "Restart") => service.restart = value,
            ("Service", "RestartForceExitStatus") => service.restart_force = value,
            ("Service", "ExitType") => service.exit_type = value,
            ("Service", "BusName") => service.bus_name = value,
            ("Service", "PAMName") => service.pam = value,
            ("Service", "KillMode") => service.kill_mode = value,
            _ => {}
        }
    }
    service.refusal(context)
}

impl Service<'_> {
    fn refusal(&self, context: &Context) -> Option<&'static str> {
        let succeeds = !matches!(self.success_action, "" | "none");
        let oneshot = self.kind == "oneshot" || (self.kind.is_empty() && self.starts == 0);
        let remains = crate::syntax::boolean(self.remains) == Some(true);
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
        if oneshot && !self.restart_force.is_empty() && context.release.major <= 255 {
            return Some("RestartForceExitStatus= is not for Type=oneshot up to systemd 255");
        }
        if oneshot && self.exit_type == "cgroup" {
            return Some("ExitType=cgroup is not for Type=oneshot");
        }
        if self.kind == "dbus" && self.bus_name.is_empty() {
            return Some("Type=dbus needs BusName=");
        }
        if !self.pam.is_empty() && matches!(self.kill_mode, "process" | "none") {
            return Some("PAMName= needs KillMode=control-group or KillMode=mixed");
        }
        None
    }
}
