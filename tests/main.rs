//! The one integration binary.

mod deployments;
mod docs;
mod figures;
mod generate;
mod harness;
mod machine;
mod manifests;
mod places;
mod score;
