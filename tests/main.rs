//! The one integration binary.

mod figures;
