//! Numbers with units: modes, time spans, sizes, percentages, weights, counts.
//!
//! They keep the text as written, because the unit file repeats it, and the number it means, for comparing.

use std::fmt;

use super::{Text, Unfit, quoted, text, unfit};

/// Permission bits, written as an octal string such as `"0750"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(pub(crate) u16);

impl Mode {
    /// The bits, `0o0000` to `0o7777`.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// The same with further bits.
    pub(crate) fn with(self, bits: u16) -> Self {
        Self(self.0 | (bits & 0o7777))
    }
}

impl fmt::Display for Mode {
    /// Four octal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Text for Mode {
    const EXPECTED: &'static str = "a mode as an octal string such as \"0750\"";
    const PATTERN: &'static str = "^[0-7]{3,4}$";

    fn read(text: &str) -> Result<Self, Unfit> {
        let octal = matches!(text.len(), 3 | 4) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        match u16::from_str_radix(text, 8) {
            Ok(bits) if octal => Ok(Self(bits)),
            _ => Err(unfit(format!("{} is not a mode: three or four octal digits", quoted(text)))),
        }
    }
}

/// A time span in systemd's grammar (systemd.time(7)): `"5s"`, `"1min 30s"`, `"1.5h"`, `"infinity"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan {
    text: String,
    micros: Option<u64>,
}

impl TimeSpan {
    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Microseconds; `None` is `infinity`.
    pub fn micros(&self) -> Option<u64> {
        self.micros
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Microseconds of each unit that systemd.time(7) names; a month is 30.44 days and a year 365.25.
const TIME_UNITS: [(&[&str], u64); 9] = [
    (&["us", "usec", "µs", "μs"], 1),
    (&["ms", "msec"], 1_000),
    (&["s", "sec", "second", "seconds"], 1_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000),
    (&["h", "hr", "hour", "hours"], 3_600_000_000),
    (&["d", "day", "days"], 86_400_000_000),
    (&["w", "week", "weeks"], 604_800_000_000),
    (&["M", "month", "months"], 2_629_800_000_000),
    (&["y", "year", "years"], 31_557_600_000_000),
];

impl Text for TimeSpan {
    const EXPECTED: &'static str = "a time span as a string such as \"5s\" or \"1min 30s\"";
    const PATTERN: &'static str = r"^(infinity|\d+(\.\d+)? ?[a-zA-Zµμ]+( ?\d+(\.\d+)? ?[a-zA-Zµμ]+)*)$";

    fn read(text: &str) -> Result<Self, Unfit> {
        if text == "infinity" {
            return Ok(Self { text: text.to_owned(), micros: None });
        }
        let bad =
            || unfit(format!("{} is not a time span such as `5s`, `1min 30s` or `infinity`", quoted(text)));
        let mut rest = text;
        let mut micros = 0_u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            if after.is_empty() && !number.is_empty() {
                return Err(unfit(format!("{} has no unit: write `{number}s` for seconds", quoted(text))));
            }
            let after = after.strip_prefix(' ').unwrap_or(after);
            let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
            let (name, after) = after.split_at(letters);
            let (_, unit) = TIME_UNITS.iter().find(|(names, _)| names.contains(&name)).ok_or_else(bad)?;
            micros = scaled(number, *unit).and_then(|part| micros.checked_add(part)).ok_or_else(bad)?;
            rest = match after.strip_prefix(' ') {
                Some("") => return Err(bad()),
                Some(after) => after,
                None => after,
            };
        }
        if text.is_empty() { Err(bad()) } else { Ok(Self { text: text.to_owned(), micros: Some(micros) }) }
    }
}

/// `number` (digits, at most one fraction) times `unit`, in whole numbers; at most nine fraction digits count.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let part = u128::from(unit) * u128::from(fraction.parse::<u32>().ok()?);
    let part = u64::try_from(part / 10_u128.pow(u32::try_from(fraction.len()).ok()?)).ok()?;
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(part)
}

/// An amount of memory: bytes with a suffix to the base 1024 (`"512M"`, `"1.5G"`), a percentage of the machine's
/// memory, or `"infinity"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// The text as written and the bytes it means.
    Bytes(String, u64),
    /// Per cent of the machine's memory, at most 100.
    Percent(u16),
    /// No limit.
    Infinity,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(text, _) => f.write_str(text),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Infinity => f.write_str("infinity"),
        }
    }
}

impl Text for Size {
    const EXPECTED: &'static str = "a size as a string such as \"512M\", \"20%\" or \"infinity\"";
    const PATTERN: &'static str = r"^(infinity|\d{1,3}%|\d+(\.\d+)?[BKMGTPE]?)$";

    fn read(text: &str) -> Result<Self, Unfit> {
        let bad = || unfit(format!("{} is not a size such as `512M`, `20%` or `infinity`", quoted(text)));
        if text == "infinity" {
            return Ok(Self::Infinity);
        }
        if let Some(number) = text.strip_suffix('%') {
            return percent(number).filter(|percent| *percent <= 100).map(Self::Percent).ok_or_else(bad);
        }
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        let power = match suffix {
            "" | "B" => 0,
            "K" => 1,
            "M" => 2,
            "G" => 3,
            "T" => 4,
            "P" => 5,
            "E" => 6,
            _ => return Err(bad()),
        };
        scaled(number, 1024_u64.pow(power)).map(|bytes| Self::Bytes(text.to_owned(), bytes)).ok_or_else(bad)
    }
}

/// Per cent, as CPU time is given: `"50%"`, and `"200%"` for two processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub(crate) u16);

impl Percent {
    /// The number before the sign.
    pub fn value(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Text for Percent {
    const EXPECTED: &'static str = "a percentage as a string such as \"50%\"";
    const PATTERN: &'static str = r"^[1-9]\d{0,4}%$";

    fn read(text: &str) -> Result<Self, Unfit> {
        let number = text.strip_suffix('%').and_then(percent).filter(|percent| *percent > 0);
        number.map(Self).ok_or_else(|| unfit(format!("{} is not a percentage such as `50%`", quoted(text))))
    }
}

fn percent(number: &str) -> Option<u16> {
    number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

/// A limit of things that are counted: an integer, a percentage of what the system allows, or `"infinity"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Count {
    /// So many.
    Number(u64),
    /// Per cent of the system's limit, at most 100.
    Percent(u16),
    /// No limit.
    Infinity,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Infinity => f.write_str("infinity"),
        }
    }
}

struct CountVisitor;

impl serde::de::Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"10%\" or \"infinity\"")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Count, E> {
        u64::try_from(number)
            .map(Count::Number)
            .map_err(|_| E::custom(format!("`{number}` is less than zero")))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Count, E> {
        Ok(Count::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Count, E> {
        let share = || text.strip_suffix('%').and_then(percent).filter(|percent| *percent <= 100);
        match text {
            "infinity" => Ok(Count::Infinity),
            _ => share().map(Count::Percent).ok_or_else(|| {
                E::custom(format!("{} is not a limit: a number, such as `10%`, or `infinity`", quoted(text)))
            }),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

impl schemars::JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "a number, a percentage of the system's limit, or infinity",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": r"^(infinity|\d{1,3}%)$" },
            ],
        })
    }
}

/// A share relative to other units: 1 to 10000, where 100 is systemd's default (systemd.resource-control(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "u16")]
pub struct Weight(u16);

impl Weight {
    /// 1 to 10000.
    pub fn value(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Weight {
    type Error = Unfit;

    fn try_from(weight: u16) -> Result<Self, Unfit> {
        match weight {
            1..=10_000 => Ok(Self(weight)),
            _ => Err(unfit(format!("`{weight}` is not a weight from 1 to 10000"))),
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl schemars::JsonSchema for Weight {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Weight".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": 10_000, "description": "a weight" })
    }
}

/// What may be done with a device: some of `r` (read), `w` (write), `m` (create nodes), in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceAccess(&'static str);

/// Every combination, so that the text of an access is one of these.
const DEVICE_ACCESSES: [&str; 7] = ["r", "w", "m", "rw", "rm", "wm", "rwm"];

impl DeviceAccess {
    /// The letters.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl Default for DeviceAccess {
    fn default() -> Self {
        Self("rw")
    }
}

impl fmt::Display for DeviceAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Text for DeviceAccess {
    const EXPECTED: &'static str = "some of the letters of \"rwm\"";
    const PATTERN: &'static str = "^(r|w|m|rw|rm|wm|rwm)$";

    fn read(text: &str) -> Result<Self, Unfit> {
        let found = DEVICE_ACCESSES.iter().find(|access| **access == text);
        found.map(|access| Self(access)).ok_or_else(|| {
            unfit(format!("{} is not an access: some of the letters of `rwm`, in that order", quoted(text)))
        })
    }
}

text!(Mode, TimeSpan, Size, Percent, DeviceAccess);
