//! The one integration binary.

mod figures;
mod generate;
mod harness;
mod manifests;
