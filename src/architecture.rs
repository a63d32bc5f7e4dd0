//! The architectures of `SystemCallArchitectures=`, and the one this program runs on. What a system call is there
//! stands in [`crate::syscalls`].

use std::fmt;

use crate::release::Release;

/// An architecture by the words of `SystemCallArchitectures=` (systemd.exec(5)); `native` is not one, it is resolved
/// on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are the words that `word` returns")]
pub enum Architecture {
    X86,
    X86_64,
    X32,
    Arm,
    Arm64,
    LoongArch64,
    Mips,
    Mips64,
    Mips64N32,
    MipsLe,
    Mips64Le,
    Mips64LeN32,
    Parisc,
    Parisc64,
    Ppc,
    Ppc64,
    Ppc64Le,
    Riscv64,
    S390,
    S390x,
}

impl Architecture {
    /// All of them, in the order of the manual page.
    pub const ALL: [Self; 20] = [
        Self::X86,
        Self::X86_64,
        Self::X32,
        Self::Arm,
        Self::Arm64,
        Self::LoongArch64,
        Self::Mips,
        Self::Mips64,
        Self::Mips64N32,
        Self::MipsLe,
        Self::Mips64Le,
        Self::Mips64LeN32,
        Self::Parisc,
        Self::Parisc64,
        Self::Ppc,
        Self::Ppc64,
        Self::Ppc64Le,
        Self::Riscv64,
        Self::S390,
        Self::S390x,
    ];

    /// The architecture that this program was built for, which is `native` for the host unless a program of another
    /// word size was installed; `None` where systemd has no word for it.
    pub fn native() -> Option<Self> {
        let wide = cfg!(target_pointer_width = "64");
        let little = cfg!(target_endian = "little");
        Some(match std::env::consts::ARCH {
            "x86" => Self::X86,
            "x86_64" if wide => Self::X86_64,
            "x86_64" => Self::X32,
            "arm" => Self::Arm,
            "aarch64" if wide => Self::Arm64,
            "loongarch64" => Self::LoongArch64,
            "mips" if little => Self::MipsLe,
            "mips" => Self::Mips,
            "mips64" => match (little, wide) {
                (true, true) => Self::Mips64Le,
                (true, false) => Self::Mips64LeN32,
                (false, true) => Self::Mips64,
                (false, false) => Self::Mips64N32,
            },
            "powerpc" => Self::Ppc,
            "powerpc64" if little => Self::Ppc64Le,
            "powerpc64" => Self::Ppc64,
            "riscv64" => Self::Riscv64,
            "s390x" => Self::S390x,
            _ => return None,
        })
    }

    /// The architecture of a word such as `x86-64` or `arm64`; spelling is case-sensitive.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.word() == word)
    }

    /// Whether `release` accepts `word`; `native` is left to the caller.
    pub fn is_word(word: &str, release: Release) -> bool {
        Self::find(word).is_some_and(|architecture| architecture.since() <= release)
    }

    /// The word of systemd.
    pub const fn word(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X86_64 => "x86-64",
            Self::X32 => "x32",
            Self::Arm => "arm",
            Self::Arm64 => "arm64",
            Self::LoongArch64 => "loongarch64",
            Self::Mips => "mips",
            Self::Mips64 => "mips64",
            Self::Mips64N32 => "mips64-n32",
            Self::MipsLe => "mips-le",
            Self::Mips64Le => "mips64-le",
            Self::Mips64LeN32 => "mips64-le-n32",
            Self::Parisc => "parisc",
            Self::Parisc64 => "parisc64",
            Self::Ppc => "ppc",
            Self::Ppc64 => "ppc64",
            Self::Ppc64Le => "ppc64-le",
            Self::Riscv64 => "riscv64",
            Self::S390 => "s390",
            Self::S390x => "s390x",
        }
    }

    /// The first release that accepts the word, where that is not the first one supported (240). `loongarch64` needs a
    /// libseccomp that has it as well.
    pub const fn since(self) -> Release {
        match self {
            Self::LoongArch64 => Release::first(255),
            Self::Parisc | Self::Parisc64 => Release::first(252),
            Self::Riscv64 => Release::first(247),
            _ => Release::first(240),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_its_architecture_and_no_other() {
        for architecture in Architecture::ALL {
            assert_eq!(Architecture::find(architecture.word()), Some(architecture));
        }
        assert_eq!(Architecture::find("native"), None);
        assert_eq!(Architecture::find("X86-64"), None);
    }

    #[test]
    fn words_are_accepted_from_the_release_that_brought_them() {
        assert_eq!(Architecture::Arm64.since(), Release::first(240));
        assert_eq!(Architecture::Riscv64.since(), Release::first(247));
        assert!(!Architecture::is_word("loongarch64", Release::latest(254)));
        assert!(Architecture::is_word("loongarch64", Release::first(255)));
        assert!(!Architecture::is_word("sparc", Release::first(262)));
    }

    #[test]
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
    fn the_build_target_is_native() {
        assert_eq!(Architecture::native(), Some(Architecture::X86_64));
    }
}
