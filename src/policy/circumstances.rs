//! What can be known of a service from its needs alone: the conditions of hardenings.

use super::claims::Claim;
use super::plan::Planned;
use crate::catalogue::{self, Given, Kind, MaskGrammar};
use crate::need::Need;
use crate::release::Release;

/// The conditions of hardenings for one service.
#[expect(clippy::struct_excessive_bools, reason = "independent answers, each read by one condition")]
pub(super) struct Circumstances {
    /// It starts as another user than root.
    pub(super) runs_as_user: bool,
    holds_capabilities: bool,
    gains_privileges: bool,
    ip: Ip,
    behind_proxies: bool,
    ports_known: bool,
    release: Release,
}

/// How far the IP needs of a service reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ip {
    None,
    Loopback,
    Addresses,
    Any,
}

impl Circumstances {
    pub(super) fn of(planned: &Planned<'_>, claims: &[Claim], release: Release) -> Self {
        let has = |needs: &[Need]| claims.iter().any(|claim| needs.contains(&claim.need));
        let ip = claims
            .iter()
            .map(|claim| match claim.need {
                Need::UsesIp
                | Need::NetworkAdmin
                | Need::NetworkRaw
                | Need::SendsMailSetgid
                | Need::SendsMailSetuid => Ip::Any,
                Need::UsesAddress => Ip::Addresses,
                Need::UsesLoopback => Ip::Loopback,
                _ => Ip::None,
            })
            .max()
            .unwrap_or(Ip::None);
        Self {
            runs_as_user: planned.runs_as_user(),
            holds_capabilities: adds_to(MaskGrammar::Bounding, claims),
            gains_privileges: has(&[
                Need::UsesPam,
                Need::SendsMailSetgid,
                Need::SendsMailSetuid,
                Need::RunsSetuid,
                Need::StartsSessions,
            ]),
            ip,
            behind_proxies: ip <= Ip::Loopback && has(&[Need::JoinsNetwork]),
            ports_known: claims
                .iter()
                .all(|claim| claim.need != Need::BindsPort || !claim.parameters.is_empty())
                && !has(&[Need::RunsHooks, Need::NetworkAdmin]),
            release,
        }
    }

    /// Whether a condition holds for a directive.
    pub(super) fn hold(&self, given: Given, directive: &catalogue::Directive) -> bool {
        match given {
            Given::Always => true,
            Given::Unprivileged => self.runs_as_user && !self.holds_capabilities && !self.gains_privileges,
            Given::NoCapabilities => !self.holds_capabilities,
            Given::ForcesNothing => !self.runs_as_user || !directive.forces_in(self.release),
            Given::NoIp => self.ip == Ip::None || self.behind_proxies,
            Given::LoopbackOnly => self.ip == Ip::Loopback,
            Given::AddressesOnly => self.ip == Ip::Addresses,
            Given::PortsKnown => self.ports_known,
        }
    }
}

/// Whether any claim adds to a set of capabilities that the policy keeps empty.
fn adds_to(grammar: MaskGrammar, claims: &[Claim]) -> bool {
    let rows = catalogue::all().iter().filter(|row| matches!(row.kind, Kind::Mask(kind) if kind == grammar));
    rows.flat_map(|row| row.yields).any(|offer| claims.iter().any(|claim| claim.need == offer.to))
}
