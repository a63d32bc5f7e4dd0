//! The one integration binary.

mod deployments;
mod docs;
mod evidence;
mod explain;
mod figures;
mod generate;
mod harness;
mod import;
mod lint;
mod machine;
mod manifests;
mod oracle;
mod places;
mod score;
mod traced;
mod writes;
