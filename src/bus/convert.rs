//! Values off the wire as [`BusValue`]s, within bounds.
//!
//! Leaves to its caller what a value beyond them means. Values are taken as they lie in the
//! message: a unit has some three hundred, and a tree of the library's own for each would cost
//! more than all that is asked of them.

use std::fmt;

use zbus::export::serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use zbus::{Signature, Type};

use crate::bus_value::BusValue;

/// The members that an array or structure may have. The longest that systemd sends are system
/// call filters, below 500.
pub(super) const MAX_MEMBERS: usize = 1 << 16;
/// The containers that may stand in one another. The deepest of systemd is `a(ssba(ss))`, 4.
pub(super) const MAX_DEPTH: usize = 16;

/// What a variant holds; nothing for a value beyond the bounds.
///
/// A value is never shortened to fit: a system call filter without its tail would be another
/// filter.
#[derive(Debug)]
pub(super) struct Held(pub(super) Option<BusValue>);

impl Type for Held {
    const SIGNATURE: &'static Signature = &Signature::Variant;
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Variant;

        impl<'de> Visitor<'de> for Variant {
            type Value = Held;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a variant")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Held, A::Error> {
                held(parts, 0).map(Held)
            }
        }

        deserializer.deserialize_any(Variant)
    }
}

/// The value of a variant, which comes behind its signature.
fn held<'de, A: SeqAccess<'de>>(mut parts: A, depth: usize) -> Result<Option<BusValue>, A::Error> {
    let missing = || Error::custom("a variant without a value");
    let signature: &str = parts.next_element()?.ok_or_else(missing)?;
    let parsed;
    let signature = match signature {
        // Most of them, without parsing.
        "b" => &Signature::Bool,
        "s" => &Signature::Str,
        "t" => &Signature::U64,
        "u" => &Signature::U32,
        "i" => &Signature::I32,
        "as" => Vec::<&str>::SIGNATURE,
        "ay" => Vec::<u8>::SIGNATURE,
        "a(ss)" => Vec::<(&str, &str)>::SIGNATURE,
        "a(st)" => Vec::<(&str, u64)>::SIGNATURE,
        "(bas)" => <(bool, Vec<&str>)>::SIGNATURE,
        "a(sasbttttuii)" => Vec::<Command<bool>>::SIGNATURE,
        "a(sasasttttuii)" => Vec::<Command<Vec<&str>>>::SIGNATURE,
        other => {
            parsed = Signature::try_from(other).map_err(Error::custom)?;
            &parsed
        }
    };
    parts.next_element_seed(Of { signature, depth })?.ok_or_else(missing)
}

/// One of `ExecStart`, or with flags of `ExecStartEx` (org.freedesktop.systemd1(5)).
type Command<'c, F> = (&'c str, Vec<&'c str>, F, u64, u64, u64, u64, u32, i32, i32);

/// A value of a signature, in as many containers.
#[derive(Clone, Copy)]
struct Of<'s> {
    signature: &'s Signature,
    depth: usize,
}

impl<'s> Of<'s> {
    fn member(self, signature: &'s Signature) -> Self {
        Self { signature, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Of<'_> {
    type Value = Option<BusValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.depth > MAX_DEPTH {
            IgnoredAny::deserialize(deserializer)?;
            return Ok(None);
        }
        match self.signature {
            Signature::Array(member) if *member.signature() == Signature::U8 => {
                deserializer.deserialize_bytes(self)
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Of<'_> {
    type Value = Option<BusValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of the type `{}`", self.signature)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(BusValue::Bool(value)))
    }

    fn visit_u8<E: Error>(self, value: u8) -> Result<Self::Value, E> {
        self.visit_u64(value.into())
    }

    fn visit_u16<E: Error>(self, value: u16) -> Result<Self::Value, E> {
        self.visit_u64(value.into())
    }

    fn visit_u32<E: Error>(self, value: u32) -> Result<Self::Value, E> {
        self.visit_u64(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(BusValue::Unsigned(value)))
    }

    fn visit_i16<E: Error>(self, value: i16) -> Result<Self::Value, E> {
        self.visit_i64(value.into())
    }

    fn visit_i32<E: Error>(self, value: i32) -> Result<Self::Value, E> {
        match self.signature {
            Signature::Fd => Ok(Some(BusValue::Foreign)),
            _ => self.visit_i64(value.into()),
        }
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(BusValue::Signed(value)))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Some(BusValue::Foreign))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(BusValue::Text(text.to_owned())))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok((bytes.len() <= MAX_MEMBERS).then(|| BusValue::Bytes(bytes.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        match self.signature {
            Signature::Variant => held(members, self.depth + 1),
            Signature::Structure(fields) => {
                let mut fields = fields.iter();
                let values = all(|| match fields.next() {
                    Some(field) => members.next_element_seed(self.member(field)),
                    None => Ok(None),
                })?;
                Ok(values.map(BusValue::Tuple))
            }
            Signature::Array(member) => {
                let values = all(|| members.next_element_seed(self.member(member)))?;
                Ok(values.map(BusValue::List))
            }
            _ => Err(Error::custom("members of what has none")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let Signature::Dict { key, value } = self.signature else {
            return Err(Error::custom("entries of what has none"));
        };
        // An entry is a container as well.
        let below = |signature| Self { depth: self.depth + 2, ..self.member(signature) };
        let values = all(|| {
            let Some((key, value)) = entries.next_entry_seed(below(key), below(value))? else {
                return Ok(None);
            };
            Ok(Some(key.zip(value).map(|(key, value)| BusValue::Tuple(vec![key, value]))))
        })?;
        Ok(values.map(BusValue::List))
    }
}

/// All members, which `next` reads; nothing where one or their number is beyond the bounds. What follows in the message
/// can be read only when they were all read.
fn all<E>(mut next: impl FnMut() -> Result<Option<Option<BusValue>>, E>) -> Result<Option<Vec<BusValue>>, E> {
    let mut members = Some(Vec::new());
    while let Some(member) = next()? {
        members = members.zip(member).and_then(|(mut members, member)| {
            members.push(member);
            (members.len() <= MAX_MEMBERS).then_some(members)
        });
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use zbus::Variant;
    use zbus::wire::serialized::Context;
    use zbus::wire::{LE, to_bytes};

    use super::{Held, MAX_DEPTH, MAX_MEMBERS};
    use crate::bus_value::BusValue::{self, Bool, Bytes, Foreign, List, Signed, Tuple, Unsigned};

    fn text(text: &str) -> BusValue {
        BusValue::Text(text.to_owned())
    }

    /// What is read of a variant on the wire, and that the one behind it is found.
    fn read(value: &Variant<'_>) -> anyhow::Result<Option<BusValue>> {
        let sent = to_bytes(Context::new(LE, 0), &(value, Variant::from(7_u32)))?;
        let ((Held(value), Held(next)), _) = sent.deserialize()?;
        anyhow::ensure!(next == Some(Unsigned(7)), "{next:?}");
        Ok(value)
    }

    #[test]
    fn shapes_of_real_properties() -> anyhow::Result<()> {
        let filter = Variant::from((true, vec!["AF_INET", "AF_UNIX"]));
        let families = List(vec![text("AF_INET"), text("AF_UNIX")]);
        assert_eq!(read(&filter)?, Some(Tuple(vec![Bool(true), families])));

        let deny = Variant::from(vec![(2_i32, vec![10_u8, 0, 0, 0], 8_u32)]);
        let network = Tuple(vec![Signed(2), Bytes(vec![10, 0, 0, 0]), Unsigned(8)]);
        assert_eq!(read(&deny)?, Some(List(vec![network])));

        assert_eq!(read(&Variant::from(u64::MAX))?, Some(Unsigned(u64::MAX)));
        assert_eq!(read(&Variant::from(-1_i16))?, Some(Signed(-1)));
        assert_eq!(read(&Variant::from(3_u8))?, Some(Unsigned(3)));
        assert_eq!(read(&Variant::from(Vec::<u8>::new()))?, Some(Bytes(vec![])));
        assert_eq!(read(&Variant::from(Vec::<&str>::new()))?, Some(List(vec![])));
        assert_eq!(read(&Variant::from(0.5))?, Some(Foreign));
        let pairs = Variant::from(BTreeMap::from([("a", 1_u32)]));
        assert_eq!(read(&pairs)?, Some(List(vec![Tuple(vec![text("a"), Unsigned(1)])])));
        Ok(())
    }

    #[test]
    fn beyond_the_bounds_is_nothing() -> anyhow::Result<()> {
        assert!(read(&Variant::from(vec![0_u16; MAX_MEMBERS]))?.is_some());
        assert_eq!(read(&Variant::from(vec![0_u16; MAX_MEMBERS + 1]))?, None);
        assert_eq!(read(&Variant::from(vec![0_u8; MAX_MEMBERS + 1]))?, None);

        let nested =
            |levels| (0..levels).fold(Variant::from(1_u32), |inner, _| Variant::Variant(Box::new(inner)));
        assert_eq!(read(&nested(MAX_DEPTH))?, Some(Unsigned(1)));
        assert_eq!(read(&nested(MAX_DEPTH + 1))?, None);
        Ok(())
    }
}
