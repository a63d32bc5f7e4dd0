//! Rows about the labels of security modules.

use super::failing::{ExecStep, ends_at};
use super::{Directive, Kind, LabelFile, Managers, NOTHING, Proof, ROW, TextGrammar, Trace, sign};

const fn label(
    name: &'static str,
    since: u16,
    grammar: TextGrammar,
    managers: Managers,
    proof: Proof,
    summary: &'static str,
) -> Directive {
    Directive {
        name,
        since,
        managers,
        kind: Kind::Text(grammar),
        unset: NOTHING,
        proof,
        summary,
        breaks: "The start, if the module does not know it and it has no `-` before it.",
        ..ROW
    }
}

pub(crate) static SELINUX_CONTEXT: Directive = Directive {
    fails: &[ends_at(
        ExecStep::SelinuxContext,
        "make it known to the security module, or write `-` before it",
    )],
    ..label(
        "SELinuxContext",
        209,
        TextGrammar::Label,
        Managers::Both,
        Proof::By(&[sign(Trace::Label(LabelFile::Selinux))]),
        "The SELinux context that the service runs in, in place of the one that the policy chooses.",
    )
};
pub(crate) static APP_ARMOR_PROFILE: Directive = Directive {
    fails: &[ends_at(ExecStep::Apparmor, "make it known to the security module, or write `-` before it")],
    ..label(
        "AppArmorProfile",
        210,
        TextGrammar::Profile,
        Managers::System,
        Proof::By(&[sign(Trace::Label(LabelFile::AppArmor))]),
        "The AppArmor profile that the service switches to; it must be loaded.",
    )
};
pub(crate) static SMACK_PROCESS_LABEL: Directive = Directive {
    fails: &[ends_at(
        ExecStep::SmackProcessLabel,
        "make it known to the security module, or write `-` before it",
    )],
    ..label(
        "SmackProcessLabel",
        218,
        TextGrammar::Label,
        Managers::System,
        Proof::By(&[sign(Trace::Label(LabelFile::Smack))]),
        "The Smack label of the service's processes.",
    )
};
