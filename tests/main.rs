//! The one integration binary.

mod docs;
mod figures;
mod generate;
mod harness;
mod manifests;
