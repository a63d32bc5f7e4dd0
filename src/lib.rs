//! Hardened systemd units from one statement of needs, and running units scored against the same statement.
//!
//! In reading order: what a directive is ([`catalogue`]), what it can be worth ([`value`]), all of them for one unit
//! ([`posture`]), and how systemd judges that ([`score`]).

mod accounts;
pub mod against;
pub mod architecture;
pub mod breakages;
pub mod bus;
pub mod bus_posture;
pub mod bus_value;
mod capabilities;
pub mod catalogue;
pub mod cli;
pub mod commands;
pub mod content;
pub mod context;
pub mod drift;
pub mod evidence;
pub mod explain;
pub mod failure;
pub mod finding;
mod gather;
pub mod guard;
pub mod holes;
pub mod import;
pub mod layout;
pub mod lint;
mod listeners;
pub mod manifest;
pub mod need;
pub mod news;
mod ownership;
pub mod policy;
pub mod posture;
pub mod process;
mod program;
pub mod release;
pub mod render;
pub mod report;
pub mod score;
pub mod settings;
pub mod status;
pub mod suggest;
mod syntax;
pub mod syscalls;
pub mod target;
pub mod trial;
pub mod unit_file;
pub mod unit_posture;
pub mod value;
pub mod visible;
