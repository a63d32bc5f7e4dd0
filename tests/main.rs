//! The one integration binary.

mod against;
mod daemons;
mod deployments;
mod docs;
mod evidence;
mod explain;
mod figures;
mod generate;
mod harness;
mod holds;
mod hostile;
mod import;
mod lint;
mod looking;
mod machine;
mod manifests;
mod oracle;
mod packages;
mod places;
#[allow(unreachable_pub, reason = "the fuzz targets are another package")]
mod properties;
mod score;
mod smuggled;
mod traced;
mod trial;
mod writes;
