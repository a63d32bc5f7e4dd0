//! The properties of tests/properties, for the fuzz targets.

#[path = "../../tests/properties/mod.rs"]
pub mod properties;
