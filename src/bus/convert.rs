//! Values off the wire as [`BusValue`]s, within bounds.
//!
//! Leaves to its caller what a value beyond them means.

use zbus::{Signature, Variant};

use crate::bus_value::BusValue;

/// The members that an array or structure may have. The longest that systemd sends are system
/// call filters, below 500.
pub(super) const MAX_MEMBERS: usize = 1 << 16;
/// The containers that may stand in one another. The deepest of systemd is `a(ssba(ss))`, 4.
pub(super) const MAX_DEPTH: usize = 16;

/// The value, or nothing for one beyond the bounds.
///
/// A value is never shortened to fit: a system call filter without its tail would be another
/// filter.
pub(super) fn neutral(value: &Variant<'_>) -> Option<BusValue> {
    at_depth(value, 0)
}

fn at_depth(value: &Variant<'_>, depth: usize) -> Option<BusValue> {
    let below = |members: &[Variant<'_>]| -> Option<Vec<BusValue>> {
        if members.len() > MAX_MEMBERS {
            return None;
        }
        members.iter().map(|member| at_depth(member, depth + 1)).collect()
    };
    if depth > MAX_DEPTH {
        return None;
    }
    Some(match value {
        Variant::Bool(value) => BusValue::Bool(*value),
        Variant::U8(value) => BusValue::Unsigned((*value).into()),
        Variant::U16(value) => BusValue::Unsigned((*value).into()),
        Variant::U32(value) => BusValue::Unsigned((*value).into()),
        Variant::U64(value) => BusValue::Unsigned(*value),
        Variant::I16(value) => BusValue::Signed((*value).into()),
        Variant::I32(value) => BusValue::Signed((*value).into()),
        Variant::I64(value) => BusValue::Signed(*value),
        Variant::Str(text) => BusValue::Text(text.as_str().to_owned()),
        Variant::ObjectPath(path) => BusValue::Text(path.as_str().to_owned()),
        Variant::Signature(signature) => BusValue::Text(signature.to_string()),
        Variant::F64(_) | Variant::Fd(_) => BusValue::Foreign,
        Variant::Variant(inner) => at_depth(inner, depth + 1)?,
        Variant::Array(array) if *array.element_signature() == Signature::U8 => {
            BusValue::Bytes(array.inner().iter().map(byte).collect::<Option<_>>()?)
        }
        Variant::Array(array) => BusValue::List(below(array.inner())?),
        Variant::Structure(structure) => BusValue::Tuple(below(structure.fields())?),
        Variant::Dict(dict) => {
            if dict.iter().count() > MAX_MEMBERS {
                return None;
            }
            let pair = |(key, value)| {
                Some(BusValue::Tuple(vec![at_depth(key, depth + 2)?, at_depth(value, depth + 2)?]))
            };
            BusValue::List(dict.iter().map(pair).collect::<Option<_>>()?)
        }
    })
}

fn byte(member: &Variant<'_>) -> Option<u8> {
    match member {
        Variant::U8(byte) => Some(*byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use zbus::Variant;

    use super::{MAX_DEPTH, MAX_MEMBERS, neutral};
    use crate::bus_value::BusValue::{self, Bool, Bytes, Foreign, List, Signed, Tuple, Unsigned};

    fn text(text: &str) -> BusValue {
        BusValue::Text(text.to_owned())
    }

    #[test]
    fn shapes_of_real_properties() {
        let filter = Variant::from((true, vec!["AF_INET", "AF_UNIX"]));
        let families = List(vec![text("AF_INET"), text("AF_UNIX")]);
        assert_eq!(neutral(&filter), Some(Tuple(vec![Bool(true), families])));

        let deny = Variant::from(vec![(2_i32, vec![10_u8, 0, 0, 0], 8_u32)]);
        let network = Tuple(vec![Signed(2), Bytes(vec![10, 0, 0, 0]), Unsigned(8)]);
        assert_eq!(neutral(&deny), Some(List(vec![network])));

        assert_eq!(neutral(&Variant::from(u64::MAX)), Some(Unsigned(u64::MAX)));
        assert_eq!(neutral(&Variant::from(-1_i16)), Some(Signed(-1)));
        assert_eq!(neutral(&Variant::from(Vec::<u8>::new())), Some(Bytes(vec![])));
        assert_eq!(neutral(&Variant::from(Vec::<&str>::new())), Some(List(vec![])));
        assert_eq!(neutral(&Variant::from(0.5)), Some(Foreign));
        let pairs = Variant::from(BTreeMap::from([("a", 1_u32)]));
        assert_eq!(neutral(&pairs), Some(List(vec![Tuple(vec![text("a"), Unsigned(1)])])));
    }

    #[test]
    fn beyond_the_bounds_is_nothing() {
        assert!(neutral(&Variant::from(vec![0_u16; MAX_MEMBERS])).is_some());
        assert_eq!(neutral(&Variant::from(vec![0_u16; MAX_MEMBERS + 1])), None);

        let nested =
            |levels| (0..levels).fold(Variant::from(1_u32), |inner, _| Variant::Variant(Box::new(inner)));
        assert_eq!(neutral(&nested(MAX_DEPTH)), Some(Unsigned(1)));
        assert_eq!(neutral(&nested(MAX_DEPTH + 1)), None);
    }
}
