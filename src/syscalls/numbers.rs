//! System calls by their numbers on an architecture, as the kernel has them. The names are looked up while this is
//! compiled, so that the program holds places of names and not all names once more for each architecture.

use super::layout::called;
use super::places::Span;
use super::{Architecture, Call};

/// The call with that number on `architecture`; `None` for one that has no name here.
pub(crate) fn numbered(architecture: Architecture, number: u64) -> Option<Call> {
    let number = usize::try_from(number).ok()?;
    macro_rules! named {
        ($table:ident) => {{
            use syscalls::$table::Sysno;
            static CALLS: [Option<Call>; Sysno::last() as usize + 1] = {
                let mut calls = [None; Sysno::last() as usize + 1];
                let mut number = 0;
                while number < calls.len() {
                    if let Some(call) = Sysno::new(number) {
                        let name = call.name().as_bytes();
                        calls[number] = called(name, Span::new(0, name.len()));
                    }
                    number += 1;
                }
                calls
            };
            CALLS.get(number).copied().flatten()
        }};
    }
    match architecture {
        Architecture::X86_64 => named!(x86_64),
        Architecture::X86 => named!(x86),
        Architecture::Arm64 => named!(aarch64),
        Architecture::Arm => named!(arm),
        Architecture::Riscv64 => named!(riscv64),
        Architecture::LoongArch64 => named!(loongarch64),
        Architecture::S390x => named!(s390x),
        Architecture::Ppc64 | Architecture::Ppc64Le => named!(powerpc64),
        _ => None,
    }
}
