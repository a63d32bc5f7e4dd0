//! A property's value as it came over the bus, in the few shapes that directives have.
//!
//! Answers what a value is without naming the D-Bus library, so that the catalogue reads values it
//! is handed and never learns where from. What a value means is the catalogue's; how it is read
//! off the wire is [`crate::bus`]'s.

/// A value of a unit's property.
///
/// Widths are dropped, signs kept: systemd's `b`, `y`/`q`/`u`/`t` and `n`/`i`/`x` become the three
/// scalar shapes, and a reader checks the range it needs. Texts are what the other side sent:
/// they may hold control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusValue {
    /// `b`
    Bool(bool),
    /// `n`, `i`, `x`
    Signed(i64),
    /// `y`, `q`, `u`, `t`; systemd says "unset" and "infinity" with `u64::MAX`
    Unsigned(u64),
    /// `s`, `o`, `g`
    Text(String),
    /// `ay`: addresses, bitmaps, hashes
    Bytes(Vec<u8>),
    /// An array of anything else; a dictionary is a list of pairs
    List(Vec<BusValue>),
    /// A structure, as the `(bas)` of `SystemCallFilter=`
    Tuple(Vec<BusValue>),
    /// A double or a file descriptor, which no directive has
    Foreign,
}

impl BusValue {
    /// The truth value, of a boolean only: texts as `yes` belong to a directive's own reading.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, of either sign's shape as long as it is not negative.
    pub fn as_unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(value) => Some(*value),
            Self::Signed(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The number, of either sign's shape as long as it fits.
    pub fn as_signed(&self) -> Option<i64> {
        match self {
            Self::Signed(value) => Some(*value),
            Self::Unsigned(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The text, object path or signature.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes of an `ay`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// The members of an array or the fields of a structure.
    pub fn members(&self) -> Option<&[BusValue]> {
        match self {
            Self::List(members) | Self::Tuple(members) => Some(members),
            _ => None,
        }
    }

    /// The texts of an `as`; nothing if any member is not a text.
    pub fn as_texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(members) => members.iter().map(Self::as_text).collect(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BusValue;

    #[test]
    fn numbers_cross_signs_only_where_they_fit() {
        assert_eq!(BusValue::Signed(-1).as_unsigned(), None);
        assert_eq!(BusValue::Signed(7).as_unsigned(), Some(7));
        assert_eq!(BusValue::Unsigned(u64::MAX).as_signed(), None);
        assert_eq!(BusValue::Unsigned(7).as_signed(), Some(7));
        assert_eq!(BusValue::Bool(true).as_unsigned(), None);
    }

    #[test]
    fn texts_need_every_member_to_be_one() {
        let text = |text: &str| BusValue::Text(text.to_owned());
        let good = BusValue::List(vec![text("a"), text("b")]);
        let mixed = BusValue::List(vec![text("a"), BusValue::Unsigned(1)]);

        assert_eq!(good.as_texts(), Some(vec!["a", "b"]));
        assert_eq!(mixed.as_texts(), None);
        assert_eq!(mixed.members().map(<[_]>::len), Some(2));
        assert_eq!(text("a").as_texts(), None);
    }
}
