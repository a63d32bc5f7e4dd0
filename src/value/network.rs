//! Lists of IP networks.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Remark, Value};
use crate::bus_value::BusValue;
use crate::context::Context;

/// The release from which a bad word is skipped; before, it ended its line.
const SKIPS_SINCE: u16 = 250;

/// Words that stand for networks (systemd.resource-control(5), IPAddressAllow=).
fn word_networks(word: &str) -> Option<[IpNet; 2]> {
    let v4 = |a, b, c, d, length| Ipv4Net::new(Ipv4Addr::new(a, b, c, d), length).map(IpNet::V4).ok();
    let v6 = |first: u16, last: u16, length| {
        Ipv6Net::new(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last), length).map(IpNet::V6).ok()
    };
    let (v4, v6) = match word {
        "any" => (v4(0, 0, 0, 0, 0), v6(0, 0, 0)),
        "link-local" => (v4(169, 254, 0, 0, 16), v6(0xfe80, 0, 64)),
        "multicast" => (v4(224, 0, 0, 0, 4), v6(0xff00, 0, 8)),
        _ if is_localhost(word) => (v4(127, 0, 0, 0, 8), v6(0, 1, 128)),
        _ => return None,
    };
    Some([v4?, v6?])
}

/// Names that systemd takes for this machine, in any case and with a dot at the end.
fn is_localhost(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let name = lower.strip_suffix('.').unwrap_or(&lower);
    ["localhost", "localhost.localdomain"]
        .iter()
        .any(|local| name == *local || name.strip_suffix(local).is_some_and(|host| host.ends_with('.')))
}

/// One address or network, host bits cleared; full length without a prefix.
fn network(word: &str) -> Option<IpNet> {
    let net = match word.split_once('/') {
        None => IpNet::from(word.parse::<IpAddr>().ok()?),
        Some((address, length)) => {
            let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let length = length.parse().ok().filter(|_| digits)?;
            IpNet::new(address.parse().ok()?, length).ok()?
        }
    };
    Some(net.trunc())
}

pub(super) fn assign(before: Value, text: &str, context: &Context, remarks: &mut Vec<Remark>) -> Value {
    if text.is_empty() {
        return Value::Networks(Vec::new());
    }
    let mut networks = match before {
        Value::Networks(networks) => networks,
        _ => Vec::new(),
    };
    let mut add = |net: IpNet| {
        if !networks.contains(&net) {
            networks.push(net);
        }
    };
    for word in text.split_ascii_whitespace() {
        if let Some(both) = word_networks(word) {
            both.into_iter().for_each(&mut add);
        } else if let Some(net) = network(word) {
            add(net);
        } else {
            let ends = context.release.major < SKIPS_SINCE;
            let rest = if ends { " and the rest of the line with it" } else { "" };
            let word = word.escape_debug();
            remarks.push(Remark::Misread(format!("`{word}` is no address: it is left out{rest}")));
            if ends {
                break;
            }
        }
    }
    Value::Networks(networks)
}

pub(super) fn from_bus(value: &BusValue) -> Option<Value> {
    let BusValue::List(items) = value else { return None };
    let networks: Option<Vec<IpNet>> = items.iter().map(one_from_bus).collect();
    networks.map(Value::Networks)
}

/// `(family, address, prefix length)`.
fn one_from_bus(value: &BusValue) -> Option<IpNet> {
    let BusValue::Tuple(parts) = value else { return None };
    let [_, address, length] = parts.as_slice() else { return None };
    let bytes = address.as_bytes()?;
    let length = u8::try_from(length.as_unsigned()?).ok()?;
    let address = if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        IpAddr::from(four)
    } else {
        IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)
    };
    IpNet::new(address, length).ok()
}

pub(super) fn write(networks: &[IpNet]) -> String {
    let mut texts = Vec::new();
    let mut rest: Vec<&IpNet> = networks.iter().collect();
    for word in ["any", "localhost", "link-local", "multicast"] {
        let Some(both) = word_networks(word) else { continue };
        if both.iter().all(|net| rest.contains(&net)) {
            rest.retain(|net| !both.contains(*net));
            texts.push(word.to_owned());
        }
    }
    texts.extend(rest.iter().map(|net| {
        if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
    }));
    texts.join(" ")
}

/// Which list covers more addresses, network by network.
pub(super) fn compare(found: &[IpNet], wanted: &[IpNet]) -> Option<Ordering> {
    let within = |a: &[IpNet], b: &[IpNet]| excess(a, b).is_empty();
    match (within(found, wanted), within(wanted, found)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    }
}

/// The networks of one list that no network of another one contains.
pub(super) fn excess(some: &[IpNet], others: &[IpNet]) -> Vec<IpNet> {
    some.iter().filter(|net| !others.iter().any(|other| other.contains(*net))).copied().collect()
}
