//! Sets of numbers of processors and of memory nodes.

use super::{Remark, Value};
use crate::bus_value::BusValue;
use crate::catalogue::Entry;
use crate::context::Context;
use crate::syntax;

/// As many as systemd takes (`CPU_SET_MAX_NCPU`).
const COUNT: usize = 8192;

/// The release from which `numa` and `all` are read (CPUAffinity=, NUMAMask=).
const WORDS_SINCE: u16 = 246;

pub(super) fn assign(
    entry: Entry,
    before: Value,
    text: &str,
    context: &Context,
    remarks: &mut Vec<Remark>,
) -> Value {
    if text.is_empty() {
        return Value::Words(Vec::new());
    }
    if entry == Entry::Processors && text == "numa" && context.release.major >= WORDS_SINCE {
        return Value::Words(vec![text.to_owned()]);
    }
    let mut set = vec![false; COUNT];
    if let Value::Words(numbers) = &before {
        for number in numbers.iter().filter_map(|number| number.parse::<usize>().ok()) {
            mark(&mut set, number, number);
        }
    }
    for range in text.split([' ', '\t', ',']).filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text| syntax::number(text).and_then(|number| usize::try_from(number).ok());
        let ends = number(first).zip(number(last));
        let Some((first, last)) = ends.filter(|(_, last)| *last < COUNT) else {
            remarks.push(Remark::Ignored(format!(
                "`{}` is no number or range of numbers",
                range.escape_debug()
            )));
            return before;
        };
        mark(&mut set, first, last);
    }
    Value::Words(members(&set))
}

fn mark(set: &mut [bool], first: usize, last: usize) {
    if let Some(range) = set.get_mut(first..=last) {
        range.fill(true);
    }
}

fn members(set: &[bool]) -> Vec<String> {
    let numbers = set.iter().enumerate().filter(|(_, is_in)| **is_in);
    numbers.map(|(number, _)| number.to_string()).collect()
}

/// A bitmap, lowest first; and whether the numbers come from NUMAMask=.
pub(super) fn from_bus(published: &[&BusValue]) -> Option<Vec<String>> {
    let (bitmap, from_nodes) = published.split_first()?;
    if from_nodes.iter().any(|from_nodes| from_nodes.as_bool() == Some(true)) {
        return Some(vec!["numa".to_owned()]);
    }
    let bytes = bitmap.as_bytes().filter(|bytes| bytes.len() <= COUNT / 8)?;
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte & (1 << bit) != 0)).collect();
    Some(members(&bits))
}

/// Ranges where numbers follow each other.
pub(super) fn write(numbers: &[String]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers.iter().filter_map(|number| number.parse().ok()) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    if ranges.is_empty() {
        return numbers.join(" ");
    }
    let range = |(first, last): (usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.into_iter().map(range).collect::<Vec<_>>().join(" ")
}
