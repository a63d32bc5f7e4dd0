//! Sets and maps in order, filled one entry after the other.

/// `collect()` sorts what it gets before it makes a set or a map of it, by code of its own for each type of entry: six
/// kilobytes of the program, for a handful of entries.
pub(crate) trait Gather: Iterator + Sized {
    /// The same collection as from `collect()`.
    fn gather<C: Default + Extend<Self::Item>>(self) -> C {
        let mut gathered = C::default();
        gathered.extend(self);
        gathered
    }
}

impl<I: Iterator> Gather for I {}
