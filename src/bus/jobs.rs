//! What changes a manager: reloading its files, starting and stopping units, forgetting that one failed. Only `try` asks
//! for it, of the unit that it made and, with its caller's leave, of those that are in its way.
//!
//! A job is waited for in small steps, so that the caller may give it up in between.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use zbus::export::serde::Serialize;
use zbus::{Connection, DynamicType, MatchRule, MessageStream, OwnedObjectPath, message};

use super::{BusFailure, MANAGER_INTERFACE, MANAGER_PATH, Manager, call, within};

/// How long the end of a job is waited for before the caller is asked whether to go on.
const STEP: Duration = Duration::from_millis(50);

/// How a job ended, in the manager's word for it (org.freedesktop.systemd1(5), `JobRemoved`): `done`, `failed`,
/// `dependency`, `skipped`, `timeout`, `canceled`, `assert` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobResult(String);

impl JobResult {
    /// The manager's word.
    pub fn word(&self) -> &str {
        &self.0
    }

    /// Whether what was asked for is so.
    pub fn is_done(&self) -> bool {
        self.0 == "done"
    }
}

impl Manager {
    /// Has the manager read all unit files anew (`systemctl daemon-reload`).
    pub fn reload(&self) -> Result<(), BusFailure> {
        zbus::block_on(self.tell("Reload", &()))
    }

    /// Forgets that a unit failed, and so the unit, if nothing else needs it. One that is not loaded is none the worse.
    pub fn reset_failed(&self, unit: &str) -> Result<(), BusFailure> {
        match zbus::block_on(self.tell("ResetFailedUnit", &(unit,))) {
            Err(BusFailure::Refused(_) | BusFailure::Vanished) | Ok(()) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Starts a unit and waits until the manager is done with that; nothing where `goes_on` said so before.
    pub fn start(&self, unit: &str, goes_on: &dyn Fn() -> bool) -> Result<Option<JobResult>, BusFailure> {
        zbus::block_on(self.job("StartUnit", unit, goes_on))
    }

    /// Stops a unit in the same way.
    pub fn stop(&self, unit: &str, goes_on: &dyn Fn() -> bool) -> Result<Option<JobResult>, BusFailure> {
        zbus::block_on(self.job("StopUnit", unit, goes_on))
    }

    async fn tell<B>(&self, method: &'static str, body: &B) -> Result<(), BusFailure>
    where
        B: Serialize + DynamicType,
    {
        let connection = self.connection();
        call(&connection, self.timeout, MANAGER_PATH, (MANAGER_INTERFACE, method), body).await.map(drop)
    }

    async fn job(
        &self,
        method: &'static str,
        unit: &str,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Option<JobResult>, BusFailure> {
        let connection = self.connection();
        let mut ended = pin!(self.removed(&connection).await?);
        let reply =
            call(&connection, self.timeout, MANAGER_PATH, (MANAGER_INTERFACE, method), &(unit, "replace"))
                .await?;
        let job: OwnedObjectPath = reply.body().deserialize()?;
        loop {
            match within(STEP, ended.next()).await {
                Ok(Some(signal)) => {
                    let body = signal?.body();
                    let (_, path, _, result): (u32, OwnedObjectPath, String, String) = body.deserialize()?;
                    if path == job {
                        return Ok(Some(JobResult(result)));
                    }
                }
                Ok(None) => return Err(BusFailure::disconnected("the manager went away")),
                Err(BusFailure::TimedOut { .. }) if goes_on() => {}
                Err(BusFailure::TimedOut { .. }) => return Ok(None),
                Err(failure) => return Err(failure),
            }
        }
    }

    /// What the manager says of jobs that ended, from now on.
    async fn removed(&self, connection: &Connection) -> Result<MessageStream, BusFailure> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .interface(MANAGER_INTERFACE)
            .member("JobRemoved")
            .build()?;
        let stream = within(self.timeout, MessageStream::for_match_rule(rule, connection, None)).await??;
        // On a bus the manager is silent until somebody listens; who listens already is told so.
        match self.tell("Subscribe", &()).await {
            Ok(()) | Err(BusFailure::Refused(_)) => Ok(stream),
            Err(failure) => Err(failure),
        }
    }
}
