//! Values off the bus: whatever a manager answers, it is read within bounds, judged and reported.

use std::collections::BTreeMap;

use systemd_harden::bus::Properties;
use systemd_harden::bus_posture::{self, Defaults};
use systemd_harden::catalogue;
use systemd_harden::context::{Context, UnitType};
use systemd_harden::finding::Finding;
use systemd_harden::holes::{Surroundings, holes};
use systemd_harden::posture::{Origin, Posture};
use systemd_harden::score::{assess, assess_settled};
use zbus::Variant;
use zbus::wire::serialized::Context as WireContext;
use zbus::wire::{LE, to_bytes};

use super::input::Choices;
use super::output;

/// The body of a reply to `GetAll`.
pub fn holds(data: &[u8]) {
    let (choices, data) = Choices::take(data);
    let properties = match Properties::of_body(data) {
        Ok(properties) => properties,
        Err(failure) => return output::is_plain(&failure.to_string()),
    };
    let kinds = [UnitType::Service, UnitType::Socket, UnitType::Mount, UnitType::Swap];
    for unit_type in kinds {
        let context = Context { unit_type, ..choices.context("a.service") };
        is_read(&properties, context);
    }
}

fn is_read(properties: &Properties, context: Context) {
    let reading = bus_posture::read("a.service", properties, &Posture::unset("", context));
    let mut posture = reading.posture;
    for (row, setting) in posture.iter() {
        // What the manager does not say is not known, and what it says in another shape neither.
        let published = row.properties().iter().any(|name| properties.get(name).is_some());
        assert!(setting.origin != Origin::Bus || published, "{} is from nowhere", row.name);
        let odd = reading.odd.iter().any(|odd| odd.directive == row);
        assert!(!odd || setting.origin == Origin::NotKnown, "{} is misshapen and known", row.name);
    }
    let files = Posture::unset("a.service", context);
    bus_posture::attribute(&mut posture, &files, &Defaults::of(properties, &context));
    let around = Surroundings::of_properties(properties);
    let mut findings = holes(&posture, &around, None);
    findings.extend(reading.odd.iter().map(|odd| Finding {
        directive: Some(odd.directive),
        ..Finding::notice("property.misshapen", odd.property)
    }));
    for text in [properties.id(), properties.load_error(), properties.fragment_path()].into_iter().flatten() {
        findings.push(Finding::notice("property.text", text));
    }
    let drop_ins = properties.drop_in_paths().into_iter().chain(properties.triggered_by());
    findings.extend(drop_ins.map(|text| Finding::notice("property.path", text)));
    output::is_judged(&assess(&posture));
    posture.settle(catalogue::judgement(context.mode));
    let assessment = assess_settled(&posture);
    output::is_reported(context, posture, assessment, findings, None);
}

/// Properties of a hardened service and of one that says nothing, each shape that systemd has among them.
pub fn seeds() -> Vec<Vec<u8>> {
    let text = |text: &'static str| Variant::from(text);
    let texts = |texts: &[&'static str]| Variant::from(texts.to_vec());
    let common: Vec<(&str, Variant<'static>)> = vec![
        ("Id", text("a.service")),
        ("LoadState", text("loaded")),
        ("ActiveState", text("active")),
        ("FragmentPath", text("/usr/lib/systemd/system/a.service")),
        ("DropInPaths", texts(&["/etc/systemd/system/a.service.d/x.conf"])),
        ("NeedDaemonReload", Variant::from(false)),
        ("TriggeredBy", texts(&["a.socket", "a.timer"])),
        ("LoadError", Variant::from(("", ""))),
    ];
    let open: Vec<(&str, Variant<'static>)> = vec![
        ("User", text("")),
        ("PrivateTmp", Variant::from(false)),
        ("ProtectSystem", text("no")),
        ("CapabilityBoundingSet", Variant::from(u64::MAX)),
        ("RestrictNamespaces", Variant::from(u64::MAX)),
        ("UMask", Variant::from(0o22_u32)),
        ("SystemCallFilter", Variant::from((false, Vec::<&str>::new()))),
        ("RestrictAddressFamilies", Variant::from((false, Vec::<&str>::new()))),
        ("IPAddressDeny", Variant::from(Vec::<(i32, Vec<u8>, u32)>::new())),
        ("DevicePolicy", text("auto")),
        ("MemoryMax", Variant::from(u64::MAX)),
        ("LimitNOFILE", Variant::from(524_288_u64)),
        ("LimitNOFILESoft", Variant::from(1024_u64)),
    ];
    let closed: Vec<(&str, Variant<'static>)> = vec![
        ("User", text("a")),
        ("DynamicUser", Variant::from(true)),
        ("PrivateTmpEx", text("disconnected")),
        ("ProtectSystem", text("strict")),
        ("CapabilityBoundingSet", Variant::from(0_u64)),
        ("RestrictNamespaces", Variant::from(0_u64)),
        ("UMask", Variant::from(0o77_u32)),
        ("SystemCallFilter", Variant::from((true, vec!["read", "write", "execve:EPERM"]))),
        ("SystemCallErrorNumber", Variant::from(1_i32)),
        ("SystemCallArchitectures", texts(&["native"])),
        ("RestrictAddressFamilies", Variant::from((true, vec!["AF_UNIX"]))),
        ("IPAddressDeny", Variant::from(vec![(2_i32, vec![0_u8; 4], 0_u32), (10, vec![0; 16], 0)])),
        ("DeviceAllow", Variant::from(vec![("/dev/null", "rw")])),
        ("ReadWritePaths", texts(&["/srv", "-/var/x"])),
        ("BindPaths", Variant::from(vec![("/a", "/b", true, 16_384_u64)])),
        ("Environment", texts(&["A=b", "PASSWORD=s3cret"])),
        ("SecureBits", Variant::from(0x103_i32)),
        ("SocketBindAllow", Variant::from(vec![(2_i32, 6_i32, 1_u16, 80_u16)])),
        ("Listen", Variant::from(vec![("Stream", "[::]:80"), ("FIFO", "/run/x")])),
        (
            "ExecStart",
            Variant::from(Vec::<(&str, Vec<&str>, bool, u64, u64, u64, u64, u32, i32, i32)>::new()),
        ),
    ];
    let whole = |own: &[(&'static str, Variant<'static>)]| {
        let all: BTreeMap<&str, &Variant<'_>> =
            common.iter().chain(own).map(|(name, value)| (*name, value)).collect();
        to_bytes(WireContext::new(LE, 0), &all).expect("a body").to_vec()
    };
    vec![whole(&open), whole(&closed), whole(&[])]
}
