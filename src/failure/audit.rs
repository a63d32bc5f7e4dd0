//! What the kernel writes when a filter of system calls refuses one (seccomp(2), "SECCOMP_RET_LOG" and the audit log):
//! `type=1326 audit(…): … pid=7 comm="x" exe="/usr/bin/x" sig=31 arch=c000003e syscall=272 …`.

use crate::architecture::Architecture;
use crate::syscalls::{Call, numbered};

/// A refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The process.
    pub(super) pid: Option<u64>,
    /// The architecture by which the call was made; nothing for one that is not known here.
    pub(super) architecture: Option<Architecture>,
    /// The call; nothing where its number is not known.
    pub(super) call: Option<&'static str>,
    /// Its number.
    pub(super) number: u64,
}

/// linux/audit.h, by the kernel's ELF machine numbers: bit 31 is 64 bits, bit 30 little-endian.
const ARCHITECTURES: [(u64, Architecture); 9] = [
    (0xc000_003e, Architecture::X86_64),
    (0x4000_0003, Architecture::X86),
    (0xc000_00b7, Architecture::Arm64),
    (0x4000_0028, Architecture::Arm),
    (0xc000_00f3, Architecture::Riscv64),
    (0xc000_0102, Architecture::LoongArch64),
    (0x8000_0016, Architecture::S390x),
    (0xc000_0015, Architecture::Ppc64Le),
    (0x8000_0015, Architecture::Ppc64),
];

/// The x32 ABI counts from here (asm/unistd.h).
const X32: u64 = 0x4000_0000;

/// Reads a line; nothing for one that tells of no refused call.
pub(super) fn read(text: &str) -> Option<Refusal> {
    let is_refusal = text.contains("type=1326") || text.starts_with("SECCOMP ");
    let field = |name: &str| {
        let mut words = text.split_ascii_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let number: u64 = field("syscall").filter(|_| is_refusal)?.parse().ok()?;
    let machine = u64::from_str_radix(field("arch")?.trim_start_matches("0x"), 16).ok()?;
    let found =
        ARCHITECTURES.iter().find(|(known, _)| *known == machine).map(|(_, architecture)| *architecture);
    let architecture = match found {
        Some(Architecture::X86_64) if number & X32 != 0 => Some(Architecture::X32),
        found => found,
    };
    let pid = field("pid").and_then(|pid| pid.parse().ok());
    let call = architecture.and_then(|architecture| numbered(architecture, number)).map(Call::name);
    Some(Refusal { pid, architecture, call, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_by_their_number_on_each_architecture() {
        let line = |arch: &str, number: u64| {
            read(&format!(
                "audit: type=1326 audit(1700000000.123:45): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=77 \
                 comm=\"unshare\" exe=\"/usr/bin/unshare\" sig=31 arch={arch} syscall={number} compat=0 ip=0x7f code=0x80000000"
            ))
        };
        let cases = [
            ("c000003e", 272, Some("unshare"), Some(Architecture::X86_64)),
            ("40000003", 310, Some("unshare"), Some(Architecture::X86)),
            ("c00000b7", 97, Some("unshare"), Some(Architecture::Arm64)),
            ("c000003e", 0x4000_0110, None, Some(Architecture::X32)),
            ("c000003e", 99_999, None, Some(Architecture::X86_64)),
            ("deadbeef", 1, None, None),
        ];
        for (arch, number, call, architecture) in cases {
            let expected = Refusal { pid: Some(77), architecture, call, number };
            assert_eq!(line(arch, number), Some(expected), "{arch} {number}");
        }
        assert_eq!(
            read("SECCOMP auid=1 pid=7 sig=31 arch=c000003e syscall=272").and_then(|it| it.call),
            Some("unshare")
        );
        for text in ["", "type=1326", "type=1326 syscall=x arch=c000003e", "syscall=272 arch=c000003e"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
