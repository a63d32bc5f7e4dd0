//! What holds for every input, however it was made. Each property takes bytes, as a fuzzer does, and panics where
//! something does not hold; `fuzz/` calls them with what it makes up, and the tests with cases and seeds.

pub mod bus;
pub mod import;
pub mod input;
pub mod journal;
pub mod manifest;
pub mod output;
pub mod program;
pub mod settings;
pub mod snippets;
pub mod tree;
pub mod unit;

/// One property.
pub struct Property {
    /// The name of its fuzz target.
    pub name: &'static str,
    /// Panics where it does not hold.
    pub holds: fn(&[u8]),
    /// Inputs to begin with, from the project's own cases.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const ALL: [Property; 9] = [
    Property { name: "unit", holds: unit::holds, seeds: unit::seeds },
    Property { name: "manifest", holds: manifest::holds, seeds: manifest::seeds },
    Property { name: "import", holds: import::holds, seeds: import::seeds },
    Property { name: "snippets", holds: snippets::holds, seeds: snippets::seeds },
    Property { name: "bus", holds: bus::holds, seeds: bus::seeds },
    Property { name: "journal", holds: journal::holds, seeds: journal::seeds },
    Property { name: "settings", holds: settings::holds, seeds: settings::seeds },
    Property { name: "tree", holds: tree::holds, seeds: tree::seeds },
    Property { name: "program", holds: program::holds, seeds: program::seeds },
];
