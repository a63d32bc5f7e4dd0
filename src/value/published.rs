//! The entries of a list as the manager publishes them, in the words of a unit (systemd 252 and 257, seen; sources of
//! 240 to 262).

use super::parts::BindRule;
use super::{entry, numbers, parts};
use crate::bus_value::BusValue;
use crate::catalogue::Entry;

/// The entries of one property, or of several that belong together; nothing where they are not as expected.
pub(super) fn entries(entry: Entry, published: &[&BusValue]) -> Option<Vec<String>> {
    let (first, more) = published.split_first()?;
    match (entry, first) {
        (Entry::Numbers | Entry::Processors, _) => return numbers::from_bus(published),
        (Entry::Below, _) => return directories(&first.as_texts()?, more.first().copied()),
        (Entry::Listed, BusValue::Text(words)) => {
            let words = words.split(',').filter(|word| !matches!(*word, "" | "none"));
            return Some(words.map(str::to_owned).collect());
        }
        _ => {}
    }
    let BusValue::List(items) = first else { return None };
    let mut entries = items.iter().map(|item| one(entry, item)).collect::<Option<Vec<String>>>()?;
    if entry == Entry::Device {
        // The manager lists the newest first.
        entries.reverse();
    }
    Some(entries)
}

/// Names, of which the second property says where else they are to be found and whether they are read-only.
fn directories(names: &[&str], links: Option<&BusValue>) -> Option<Vec<String>> {
    let links = match links {
        Some(links) => links.members()?,
        None => &[],
    };
    let mut entries = Vec::new();
    for link in links {
        let [name, target, flags] = link.members()? else { return None };
        let (name, target) = (name.as_text()?, target.as_text()?);
        entries.push(match (target.is_empty(), flags.as_unsigned()?) {
            (true, 0) => name.to_owned(),
            (false, 0) => parts::join([name, target]),
            (_, _) => parts::join([name, target, "ro"]),
        });
    }
    let listed: Vec<&str> = links.iter().filter_map(|link| link.members()?.first()?.as_text()).collect();
    entries.extend(names.iter().filter(|name| !listed.contains(*name)).map(|name| (*name).to_owned()));
    Some(entries)
}

fn one(entry: Entry, item: &BusValue) -> Option<String> {
    if let BusValue::Text(text) = item {
        return Some(text.clone());
    }
    let fields = item.members()?;
    let text = |place: usize| fields.get(place).and_then(BusValue::as_text);
    let dash = |place: usize| Some(if fields.get(place)?.as_bool()? { "-" } else { "" });
    match entry {
        Entry::Device => Some(format!("{} {}", text(0)?, text(1)?)),
        Entry::PerDevice(unit) => Some(entry::device_amount(text(0)?, unit, fields.get(1)?.as_unsigned()?)),
        Entry::Secret(_) => text(0).map(str::to_owned),
        Entry::Import if text(1)?.is_empty() => text(0).map(str::to_owned),
        Entry::Bind => {
            let recursive = fields.get(3)?.as_unsigned()? != 0;
            let (source, destination) = (entry::simplify(text(0)?), entry::simplify(text(1)?));
            Some(parts::mounted(dash(2)?, &source, &destination, recursive))
        }
        Entry::Temporary => Some(parts::temporary_at(&entry::simplify(text(0)?), text(1)?)),
        Entry::MountImage => image(dash(2)?, &[text(0)?, text(1)?], fields.get(3)?),
        Entry::ExtensionImage => image(dash(1)?, &[text(0)?], fields.get(2)?),
        Entry::File => Some(parts::opened(text(0)?, text(1)?, fields.get(2)?.as_unsigned()?)),
        Entry::BindRule => bind_rule(fields).map(BindRule::write),
        Entry::PacketFilterSet => packet_filter_set(fields),
        _ => {
            let parts = fields.iter().map(BusValue::as_text).collect::<Option<Vec<_>>>()?;
            (!parts.is_empty()).then(|| parts.join(":"))
        }
    }
}

fn image(dash: &str, paths: &[&str], options: &BusValue) -> Option<String> {
    let mut parts = paths.to_vec();
    for option in options.members()? {
        let [partition, options] = option.members()? else { return None };
        parts.extend([partition.as_text()?, options.as_text()?]);
    }
    Some(format!("{dash}{}", parts::join(parts)))
}

fn bind_rule(fields: &[BusValue]) -> Option<BindRule> {
    let [family, protocol, count, first] = fields else { return None };
    let family = family.as_signed().filter(|family| matches!(family, 0 | 2 | 10))?;
    let protocol = protocol.as_signed().filter(|protocol| matches!(protocol, 0 | 6 | 17))?;
    Some(BindRule { family, protocol, count: count.as_unsigned()?, first: first.as_unsigned()? })
}

fn packet_filter_set(fields: &[BusValue]) -> Option<String> {
    let [source, family, table, set] = fields else { return None };
    let word = |names: &[(&'static str, i64)], number: &BusValue| {
        let number = number.as_signed()?;
        names.iter().find(|(_, known)| *known == number).map(|(word, _)| *word)
    };
    let (source, family) = (word(&parts::SET_SOURCES, source)?, word(&parts::SET_FAMILIES, family)?);
    Some([source, family, table.as_text()?, set.as_text()?].join(":"))
}
