//! Single values as systemd's parsers take them: booleans, file modes, sizes, time spans. Which directive takes which,
//! and what `%` of what means, is left to others.

/// What a kilo is in a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// 1024: memory, limits, files.
    Binary,
    /// 1000: bandwidths.
    Decimal,
}

/// A boolean (`parse_boolean()`), letters in any case.
pub fn boolean(text: &str) -> Option<bool> {
    const YES: [&str; 6] = ["1", "yes", "y", "true", "t", "on"];
    const NO: [&str; 6] = ["0", "no", "n", "false", "f", "off"];
    let is = |words: [&str; 6]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(YES) {
        Some(true)
    } else if is(NO) {
        Some(false)
    } else {
        None
    }
}

/// A file mode: octal with or without a leading zero, at most 07777 (`parse_mode()`).
pub fn file_mode(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)
}

/// A size in bytes (`parse_size()`): `1.5G`, `1G 500M` with ever smaller units; `infinity` is [`u64::MAX`].
pub fn size(text: &str, base: Base) -> Option<u64> {
    const UNITS: [char; 6] = ['E', 'P', 'T', 'G', 'M', 'K'];
    if text == "infinity" {
        return Some(u64::MAX);
    }
    let kilo: u64 = if base == Base::Binary { 1024 } else { 1000 };
    let mut units = UNITS.as_slice();
    let mut unit_may_follow = true;
    let mut total: u64 = 0;
    let mut rest = text;
    loop {
        let number = Number::read(rest.trim_start_matches(is_blank))?;
        if !unit_may_follow {
            return None;
        }
        rest = number.rest.trim_start_matches(is_blank);
        let place = units.iter().position(|unit| rest.starts_with(*unit));
        let factor = if let Some(place) = place {
            let factor = kilo.checked_pow(u32::try_from(units.len() - place).ok()?)?;
            units = units.get(place + 1..)?;
            rest = rest.get(1..)?;
            factor
        } else {
            // After bytes, no smaller unit is left but the missing one, and after that none.
            unit_may_follow = rest.starts_with('B') && !units.is_empty();
            units = &[];
            rest = rest.strip_prefix('B').unwrap_or(rest);
            1
        };
        total = total.checked_add(number.times(factor)?)?;
        if rest.is_empty() {
            return Some(total);
        }
    }
}

/// A time span in microseconds (`parse_time()`); a number without unit counts `default_unit` microseconds, `infinity`
/// is [`u64::MAX`].
pub fn time_span(text: &str, default_unit: u64) -> Option<u64> {
    span(text, &[], 1, default_unit)
}

/// A time span in nanoseconds (`parse_nsec()`), which a number without unit counts as well; `infinity` is [`u64::MAX`].
pub fn nanoseconds(text: &str) -> Option<u64> {
    span(text, &[("nsec", 1), ("ns", 1)], 1_000, 1)
}

/// A sum of numbers with units, which are those of time in `microsecond`s and some smaller ones.
fn span(text: &str, smaller: &[(&str, u64)], microsecond: u64, default_unit: u64) -> Option<u64> {
    let mut rest = text.trim_start_matches(is_blank);
    if let Some(after) = rest.strip_prefix("infinity") {
        return after.trim_matches(is_blank).is_empty().then_some(u64::MAX);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number = Number::read_time(rest)?;
        let after = number.rest.trim_start_matches(is_blank);
        let larger = || TIME_UNITS.iter().map(|(name, factor)| (*name, factor * microsecond));
        let unit = smaller.iter().copied().chain(larger()).find(|(name, _)| after.starts_with(name));
        let factor = match unit {
            Some((name, factor)) => {
                rest = after.strip_prefix(name)?;
                factor
            }
            None if after.len() == number.rest.len() && !after.is_empty() => return None,
            None => {
                rest = after;
                default_unit
            }
        };
        total =
            total.checked_add(number.digit_by_digit(factor)?)?.checked_add(0).filter(|t| *t < u64::MAX)?;
        rest = rest.trim_start_matches(is_blank);
    }
    Some(total)
}

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Names of units in the order in which they are tried: the first that the text starts with counts, so that
/// `m` comes after `min`, `month` and `msec`.
const TIME_UNITS: [(&str, u64); 29] = [
    ("seconds", SECOND),
    ("second", SECOND),
    ("sec", SECOND),
    ("s", SECOND),
    ("minutes", MINUTE),
    ("minute", MINUTE),
    ("min", MINUTE),
    ("months", 2_629_800 * SECOND),
    ("month", 2_629_800 * SECOND),
    ("M", 2_629_800 * SECOND),
    ("msec", 1_000),
    ("ms", 1_000),
    ("m", MINUTE),
    ("hours", HOUR),
    ("hour", HOUR),
    ("hr", HOUR),
    ("h", HOUR),
    ("days", DAY),
    ("day", DAY),
    ("d", DAY),
    ("weeks", 7 * DAY),
    ("week", 7 * DAY),
    ("w", 7 * DAY),
    ("years", 31_557_600 * SECOND),
    ("year", 31_557_600 * SECOND),
    ("y", 31_557_600 * SECOND),
    ("usec", 1),
    ("us", 1),
    ("\u{b5}s", 1),
];

/// A decimal number at the start of a text, and what follows it.
struct Number<'a> {
    whole: u64,
    fraction: &'a str,
    rest: &'a str,
}

impl<'a> Number<'a> {
    /// With a whole part; the fraction may be missing after the dot (`10.M`).
    fn read(text: &'a str) -> Option<Self> {
        let (whole, rest) = digits(text.strip_prefix('+').unwrap_or(text));
        let whole = whole.parse().ok()?;
        let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
        Some(Self { whole, fraction, rest })
    }

    /// The whole part may be missing before the dot (`.5h`), the fraction not after it.
    fn read_time(text: &'a str) -> Option<Self> {
        let (whole, rest) = digits(text.strip_prefix('+').unwrap_or(text));
        let Some(after) = rest.strip_prefix('.') else {
            return Some(Self { whole: whole.parse().ok()?, fraction: "", rest });
        };
        let (fraction, rest) = digits(after);
        let whole = if whole.is_empty() && text.starts_with('.') { 0 } else { whole.parse().ok()? };
        (!fraction.is_empty()).then_some(Self { whole, fraction, rest })
    }

    /// The product, its own fraction cut off.
    fn times(&self, factor: u64) -> Option<u64> {
        // Eighteen digits are more than any factor can show.
        let digits = self.fraction.get(..18).unwrap_or(self.fraction);
        let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
        let fraction =
            if digits.is_empty() { 0 } else { digits.parse::<u128>().ok()? * u128::from(factor) / scale };
        self.whole.checked_mul(factor)?.checked_add(u64::try_from(fraction).ok()?)
    }

    /// The product as systemd forms it for times: each digit of the fraction by itself, cut off.
    fn digit_by_digit(&self, factor: u64) -> Option<u64> {
        let fractions = self.fraction.bytes().scan(factor, |unit, digit| {
            *unit /= 10;
            Some(u64::from(digit - b'0') * *unit)
        });
        fractions.map(Some).fold(self.whole.checked_mul(factor), |sum, part| sum?.checked_add(part?))
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, expected) in [
            ("1", Some(true)),
            ("YES", Some(true)),
            ("Y", Some(true)),
            ("t", Some(true)),
            ("oN", Some(true)),
            ("0", Some(false)),
            ("No", Some(false)),
            ("F", Some(false)),
            ("off", Some(false)),
            ("", None),
            ("maybe", None),
            ("2", None),
            ("yes ", None),
            ("\u{a0}yes", None),
        ] {
            assert_eq!(boolean(text), expected, "{text}");
        }
    }

    #[test]
    fn file_modes() {
        for (text, expected) in [
            ("077", Some(0o77)),
            ("77", Some(0o77)),
            ("07777", Some(0o7777)),
            ("10000", None),
            ("8", None),
            ("+7", None),
            ("-7", None),
            ("0x7", None),
            ("", None),
        ] {
            assert_eq!(file_mode(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("5", Some(5)),
            ("5B", Some(5)),
            ("1K", Some(1024)),
            ("1.5G", Some(1_610_612_736)),
            ("1G 500M", Some((1 << 30) + (500 << 20))),
            ("1K1", Some(1025)),
            ("1 K 1 B", Some(1025)),
            ("10.M", Some(10 << 20)),
            ("15E", Some(15 << 60)),
            ("infinity", Some(u64::MAX)),
            ("16E", None),
            ("500M 1G", None),
            ("1M 1M", None),
            ("5 6", None),
            ("1KB", None),
            ("1k", None),
            ("-1", None),
            ("", None),
            ("M", None),
            ("10%", None),
            ("1K ", None),
        ] {
            assert_eq!(size(text, Base::Binary), expected, "{text}");
        }
        assert_eq!(size("2M", Base::Decimal), Some(2_000_000));
    }

    #[test]
    fn time_spans() {
        for (text, expected) in [
            ("5", Some(5 * SECOND)),
            ("1min 30", Some(90 * SECOND)),
            ("1.5h", Some(90 * MINUTE)),
            (".5h", Some(30 * MINUTE)),
            ("2 m", Some(2 * MINUTE)),
            ("2M", Some(2 * 2_629_800 * SECOND)),
            ("1h1m1s1ms1us", Some(HOUR + MINUTE + SECOND + 1_001)),
            ("3\u{b5}s", Some(3)),
            ("12.34 .56", Some(12_900_000)),
            ("infinity", Some(u64::MAX)),
            ("infinity ", Some(u64::MAX)),
            ("1 w 1 y", Some(7 * DAY + 31_557_600 * SECOND)),
            ("0", Some(0)),
            ("", None),
            ("-1", None),
            ("1.", None),
            ("3.sec", None),
            ("12.34.56", None),
            ("5x", None),
            ("infinityx", None),
            ("99999999999999y", None),
            (".", None),
        ] {
            assert_eq!(time_span(text, SECOND), expected, "{text}");
        }
        assert_eq!(time_span("5", 1), Some(5));
    }

    #[test]
    fn nanoseconds_have_smaller_units() {
        for (text, expected) in [
            ("50000", Some(50_000)),
            ("50us", Some(50_000)),
            ("1ms 1nsec", Some(1_000_001)),
            ("1.5us", Some(1_500)),
            ("1s", Some(1_000_000_000)),
            ("infinity", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("9ps", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
        assert_eq!(time_span("5ns", 1), None);
    }
}
