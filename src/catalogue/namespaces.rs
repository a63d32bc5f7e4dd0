//! Rows about namespaces that exist already, and about whose they are.

use super::failing::{ExecStep, ends_at};
use super::{
    Directive, Kind, Managers, MaskGrammar, NOTHING, Namespace, Proof, ROW, TextGrammar, Trace, sign,
};

const fn existing(name: &'static str, since: u16, proof: Proof, summary: &'static str) -> Directive {
    Directive {
        name,
        since,
        managers: Managers::System,
        kind: Kind::Text(TextGrammar::Path),
        unset: NOTHING,
        proof,
        summary,
        breaks: "The start, if it does not exist.",
        ..ROW
    }
}

pub(crate) static USER_NAMESPACE_PATH: Directive = Directive {
    fails: &[ends_at(ExecStep::User, "make the namespace before the service starts")],
    ..existing(
        "UserNamespacePath",
        259,
        Proof::By(&[sign(Trace::Namespace(Namespace::User))]),
        "Puts the service in a user namespace that exists already.",
    )
};
pub(crate) static IPC_NAMESPACE_PATH: Directive = Directive {
    fails: &[ends_at(ExecStep::Namespace, "make the namespace before the service starts")],
    ..existing(
        "IPCNamespacePath",
        248,
        Proof::By(&[sign(Trace::Namespace(Namespace::Ipc))]),
        "Puts the service in an IPC namespace that exists already.",
    )
};

pub(crate) static DELEGATE_NAMESPACES: Directive = Directive {
    name: "DelegateNamespaces",
    since: 258,
    kind: Kind::Mask(MaskGrammar::Delegated),
    unset: NOTHING,
    proof: Proof::Nothing("the kernel tells the owner of a namespace by ioctl(2) alone"),
    summary: "Makes the service's own user namespace the owner of these namespaces, so that it may administer them.",
    breaks: "Nothing; it opens.",
    ..ROW
};
