//! An entry of the journal as a line. Fields that begin with `_` are the journal's own and cannot be made up
//! (systemd.journal-fields(7)); what the others say is believed of the manager and of root alone.

use serde_json::Value;

use super::{Exit, JournalLine, Speaker};
use crate::context::Scope;

/// The names of fields, which differ between managers.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    scope: Scope,
    unit: &'static str,
    invocation: &'static str,
}

impl Fields {
    /// Those of a scope's managers.
    pub fn of(scope: Scope) -> Self {
        match scope {
            Scope::System => Self { scope, unit: "UNIT", invocation: "INVOCATION_ID" },
            Scope::User => Self { scope, unit: "USER_UNIT", invocation: "USER_INVOCATION_ID" },
        }
    }

    /// What the unit's own processes write, and what the manager and its children write of it.
    pub fn matches(&self, unit: &str) -> Vec<String> {
        let own = match self.scope {
            Scope::System => format!("_SYSTEMD_UNIT={unit}"),
            Scope::User => format!("_SYSTEMD_USER_UNIT={unit}"),
        };
        let about = format!("{}={unit}", self.unit);
        match self.scope {
            Scope::System => vec![own, "+".to_owned(), about, "_UID=0".to_owned()],
            Scope::User => vec![own, "+".to_owned(), about],
        }
    }

    /// An entry as journalctl(1) writes it in JSON, of the unit or about it.
    pub fn line(&self, entry: &Value, unit: &str) -> JournalLine {
        let number = |name: &str| field(entry, name)?.parse().ok();
        let is_about = field(entry, self.unit).as_deref() == Some(unit);
        let is_manager = match self.scope {
            Scope::System => field(entry, "_PID").as_deref() == Some("1"),
            Scope::User => field(entry, "_SYSTEMD_USER_UNIT").as_deref() == Some("init.scope"),
        };
        let named = field(entry, "SYSLOG_IDENTIFIER").unwrap_or_default();
        let speaker = match (is_about, is_manager) {
            (true, true) => Speaker::Manager,
            // The child has the program's name in parentheses until it becomes the program.
            (true, false) if named.starts_with('(') => Speaker::Child,
            _ => Speaker::Program,
        };
        // Below a users' manager the journal's own field is that of the manager's service.
        let trusted = match self.scope {
            Scope::System => field(entry, "_SYSTEMD_INVOCATION_ID"),
            Scope::User => None,
        };
        let invocation = match speaker {
            // A unit that was not run has an empty one.
            Speaker::Manager | Speaker::Child => {
                field(entry, self.invocation).filter(|id| !id.is_empty()).or(trusted)
            }
            Speaker::Program => trusted,
        };
        let exit = || {
            let status = number("EXIT_STATUS")?;
            match field(entry, "EXIT_CODE")?.as_str() {
                "exited" => Some(Exit::Exited(status)),
                "killed" | "dumped" => Some(Exit::Killed(status)),
                _ => None,
            }
        };
        let ended = exit()
            .filter(|_| speaker == Speaker::Manager)
            .and_then(|exit| Some((field(entry, "COMMAND")?, exit)));
        JournalLine {
            speaker,
            text: field(entry, "MESSAGE").unwrap_or_default(),
            invocation,
            pid: number("_PID"),
            errno: number("ERRNO").filter(|_| speaker != Speaker::Program),
            executable: field(entry, "EXECUTABLE").filter(|_| speaker == Speaker::Child),
            ended,
        }
    }
}

/// A field as text; of several of one name the first, of bytes what is text among them.
pub fn field(entry: &Value, name: &str) -> Option<String> {
    let value = entry.get(name)?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(members) => {
            let byte = |member: &Value| member.as_u64().and_then(|byte| u8::try_from(byte).ok());
            match members.iter().map(byte).collect::<Option<Vec<u8>>>() {
                Some(bytes) => Some(crate::visible::text_of(&bytes)),
                None => members.first()?.as_str().map(str::to_owned),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_manager_tells_how_a_command_ended() {
        let entry = |pid: &str| {
            json!({
                "_PID": pid, "UNIT": "a.service", "MESSAGE": "Main process exited", "INVOCATION_ID": "12",
                "COMMAND": "ExecStart", "EXIT_CODE": "exited", "EXIT_STATUS": "226",
            })
        };
        let fields = Fields::of(Scope::System);
        let told = fields.line(&entry("1"), "a.service");
        assert_eq!(told.ended, Some(("ExecStart".to_owned(), Exit::Exited(226))));
        assert_eq!((told.speaker, told.invocation.as_deref()), (Speaker::Manager, Some("12")));
        let forged = fields.line(&entry("77"), "a.service");
        assert_eq!((forged.speaker, forged.ended, forged.invocation), (Speaker::Program, None, None));
        assert_eq!(fields.line(&entry("1"), "b.service").ended, None);
    }

    #[test]
    fn fields_may_be_bytes_or_several() {
        let entry = json!({"MESSAGE": [104, 105, 255], "_PID": ["7", "8"], "EXIT_CODE": null});
        assert_eq!(field(&entry, "MESSAGE").as_deref(), Some("hi\\xff"));
        assert_eq!(field(&entry, "_PID").as_deref(), Some("7"));
        assert_eq!(field(&entry, "EXIT_CODE"), None);
        assert_eq!(Fields::of(Scope::User).line(&entry, "a.service").pid, Some(7));
    }
}
