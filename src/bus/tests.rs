//! A manager played over a socket pair, for what a real one cannot be made to do: stall, lie,
//! vanish.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use zbus::connection::Builder;
use zbus::export::serde::Serialize;
use zbus::message::Header;
use zbus::{DynamicType, Guid, Message, MessageStream, ObjectPath, Variant};

use super::{
    Address, BusFailure, IN_FLIGHT, Interfaces, LoadState, MANAGER_PATH, MAX_PROPERTIES_BYTES, MAX_SERVICES,
    MAX_SOCKETS, MAX_TIME_OUTS, Manager, OfSockets, Properties, Round, unit_path,
};
use crate::bus_value::BusValue;

const TIMEOUT: Duration = Duration::from_secs(1);

/// What the played manager does about a call.
enum Act {
    Answer(Vec<Message>),
    Ignore,
    HangUp,
}

type Played = zbus::Result<Act>;

fn answer<B: Serialize + DynamicType>(call: &Header<'_>, body: &B) -> Played {
    Message::method_return(call).build(body).map(|reply| Act::Answer(vec![reply]))
}

fn error(call: &Header<'_>, name: &str, text: &str) -> Played {
    Message::error(call, name).build(&text).map(|reply| Act::Answer(vec![reply]))
}

fn unit(call: &Header<'_>) -> Played {
    let path = call.path().map_or("", |path| path.as_str());
    answer(call, &BTreeMap::from([("Id", Variant::from(path)), ("LoadState", "loaded".into())]))
}

/// A manager of version 257.13 that does about units what `play` says. The connection of the
/// played side ends with that of the manager under test.
fn manager(play: impl FnMut(&Header<'_>, &Message) -> Played + Send + 'static) -> anyhow::Result<Manager> {
    Ok(connect(of_version("257.13", play))??)
}

/// A bus and a manager that say what they are, and do about the rest what `play` says.
fn of_version(
    version: &'static str,
    mut play: impl FnMut(&Header<'_>, &Message) -> Played + Send + 'static,
) -> impl FnMut(&Header<'_>, &Message) -> Played + Send + 'static {
    move |call, message| {
        let member = call.member().map_or("", |member| member.as_str());
        if member == "Hello" {
            return answer(call, &":1.1");
        }
        if call.path().is_some_and(|path| path.as_str() == MANAGER_PATH) && member == "GetAll" {
            let features = "+SECCOMP -BPF_FRAMEWORK default-hierarchy=unified";
            let own = [("Version", Variant::from(version)), ("Features", features.into())];
            return answer(call, &BTreeMap::from(own));
        }
        play(call, message)
    }
}

type Play = Box<dyn FnMut(&Header<'_>, &Message) -> Played + Send>;

/// A bus that is come to once for each play, and that nobody finds again after the last.
fn bus(name: &str, plays: Vec<Play>) -> anyhow::Result<Address> {
    let name = format!("systemd-harden-test-{}-{name}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    thread::spawn(move || -> anyhow::Result<()> {
        let (ready, listening) = mpsc::channel();
        for play in plays {
            let (stream, _) = listener.accept()?;
            let ready = ready.clone();
            thread::spawn(move || zbus::block_on(serve(stream, &ready, play)));
            listening.recv()?;
        }
        Ok(())
    });
    Ok(Address::At(format!("unix:abstract={name}")))
}

/// A manager that hangs up at the call after so many answers about units.
fn hangs_up_after(count: usize) -> Play {
    let mut answered = 0;
    Box::new(of_version("257.13", move |call, _| {
        answered += 1;
        if answered > count { Ok(Act::HangUp) } else { unit(call) }
    }))
}

fn connect(
    play: impl FnMut(&Header<'_>, &Message) -> Played + Send + 'static,
) -> anyhow::Result<Result<Manager, BusFailure>> {
    let (ours, theirs) = UnixStream::pair()?;
    let (ready, listening) = mpsc::channel();
    thread::spawn(move || zbus::block_on(serve(theirs, &ready, play)));
    zbus::block_on(async {
        let connection = Builder::unix_stream(ours).p2p().build().await?;
        listening.recv_timeout(Duration::from_secs(10)).context("the played manager is up")?;
        Ok(Manager::over(connection, TIMEOUT).await)
    })
}

async fn serve(
    stream: UnixStream,
    ready: &mpsc::Sender<()>,
    mut play: impl FnMut(&Header<'_>, &Message) -> Played,
) -> anyhow::Result<()> {
    let connection = Builder::unix_stream(stream).server(Guid::generate()).p2p().build().await?;
    let mut calls = MessageStream::from(&connection);
    ready.send(())?;
    while let Some(call) = calls.next().await {
        let call = call?;
        match play(&call.header(), &call)? {
            Act::Answer(replies) => connection.send_all(&replies).await?,
            Act::Ignore => {}
            Act::HangUp => break,
        }
    }
    connection.close().await?;
    Ok(())
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("u{number}.service")).collect()
}

fn is_of(call: &Header<'_>, unit: &str) -> bool {
    call.path().is_some_and(|path| path.as_str() == unit_path(unit))
}

fn only(
    read: Vec<(String, Result<Properties, BusFailure>)>,
) -> anyhow::Result<Result<Properties, BusFailure>> {
    let [(_, properties)] = <[_; 1]>::try_from(read).ok().context("one unit was asked for")?;
    Ok(properties)
}

#[test]
fn object_paths_are_escaped_as_systemd_escapes_labels() {
    let label = |unit: &str| unit_path(unit).replace("/org/freedesktop/systemd1/unit/", "");
    assert_eq!(label("a.service"), "a_2eservice");
    assert_eq!(label("1a1.service"), "_31a1_2eservice");
    assert_eq!(label("a_b-c@x\\x2dy.service"), "a_5fb_2dc_40x_5cx2dy_2eservice");
    assert_eq!(label("é\n/"), "_c3_a9_0a_2f");
    assert_eq!(label(""), "_");
}

#[test]
fn units_come_back_in_the_order_asked() -> anyhow::Result<()> {
    let mut held = Vec::new();
    let manager = manager(move |call, _| {
        let Act::Answer(reply) = unit(call)? else { return Ok(Act::Ignore) };
        held.splice(0..0, reply);
        Ok(if held.len() == IN_FLIGHT { Act::Answer(held.split_off(0)) } else { Act::Ignore })
    })?;
    let units = names(IN_FLIGHT);
    let read = manager.properties(&units, Interfaces::All);

    ensure!(read.iter().map(|(unit, _)| unit).eq(&units), "{read:?}");
    for (unit, properties) in read {
        let properties = properties?;
        assert_eq!(properties.id(), Some(unit_path(&unit).as_str()));
        assert_eq!(properties.load_state(), Some(LoadState::Loaded));
    }
    Ok(())
}

#[test]
fn a_template_is_not_asked_for() -> anyhow::Result<()> {
    let manager = manager(|call, _| unit(call))?;
    let ask = |unit: &str| only(manager.properties(&[unit.to_owned()], Interfaces::All));
    assert_eq!(ask("a@.service")?, Err(BusFailure::Template));
    ensure!(ask("a@b.service")?.is_ok());
    ensure!(ask("a.b@c.service")?.is_ok());
    Ok(())
}

#[test]
fn the_manager_says_what_it_is() -> anyhow::Result<()> {
    let manager = manager(|call, _| unit(call))?;
    assert_eq!(manager.version(), "257.13");
    assert_eq!(manager.feature("SECCOMP"), Some(true));
    assert_eq!(manager.feature("BPF_FRAMEWORK"), Some(false));
    assert_eq!(manager.feature("PAM"), None);
    assert_eq!(manager.architecture(), None);
    Ok(())
}

#[test]
fn the_interface_asked_for_is_the_one_named() -> anyhow::Result<()> {
    let manager = manager(|call, message| {
        let interface: String = message.body().deserialize()?;
        answer(call, &BTreeMap::from([("Asked", Variant::from(interface))]))
    })?;
    let asked = |interfaces| -> anyhow::Result<_> {
        Ok(only(manager.properties(&names(1), interfaces))??.text("Asked").map(str::to_owned))
    };
    assert_eq!(asked(Interfaces::All)?.as_deref(), Some(""));
    assert_eq!(asked(Interfaces::Unit)?.as_deref(), Some("org.freedesktop.systemd1.Unit"));
    Ok(())
}

#[test]
fn one_stalled_unit_costs_its_time_out_and_nothing_else() -> anyhow::Result<()> {
    let manager = manager(|call, _| if is_of(call, "u1.service") { Ok(Act::Ignore) } else { unit(call) })?;
    let read = manager.properties(&names(3 * IN_FLIGHT), Interfaces::All);

    for (unit, properties) in &read {
        if unit == "u1.service" {
            assert_eq!(properties, &Err(BusFailure::TimedOut { after: TIMEOUT }));
        } else {
            ensure!(properties.is_ok(), "`{unit}`: {properties:?}");
        }
    }
    Ok(())
}

#[test]
fn a_hung_manager_is_waited_for_once() -> anyhow::Result<()> {
    let manager = manager(|_, _| Ok(Act::Ignore))?;
    let start = Instant::now();
    let read = manager.properties(&names(20 * IN_FLIGHT), Interfaces::All);

    ensure!(start.elapsed() < 5 * TIMEOUT, "{:?}", start.elapsed());
    assert_eq!(read.len(), 20 * IN_FLIGHT);
    ensure!(read.iter().all(|(_, read)| matches!(read, Err(BusFailure::TimedOut { .. }))));
    Ok(())
}

#[test]
fn an_unloaded_unit_is_asked_for_once_more() -> anyhow::Result<()> {
    let gone = "org.freedesktop.DBus.Error.UnknownObject";
    let mut asked = 0;
    let manager = manager(move |call, _| {
        if is_of(call, "u0.service") {
            asked += 1;
        }
        if asked == 1 || is_of(call, "u1.service") { error(call, gone, "Unknown") } else { unit(call) }
    })?;
    let read = manager.properties(&names(1), Interfaces::All);
    ensure!(only(read)?.is_ok());
    let read = manager.properties(&["u1.service".to_owned()], Interfaces::All);
    assert_eq!(only(read)?, Err(BusFailure::Vanished));
    Ok(())
}

#[test]
fn a_bus_that_goes_away_keeps_what_it_had_answered() -> anyhow::Result<()> {
    let mut answered = 0;
    let manager = manager(move |call, _| {
        answered += 1;
        if answered > 100 { Ok(Act::HangUp) } else { unit(call) }
    })?;
    let read = manager.properties(&names(150), Interfaces::All);

    assert_eq!(read.iter().filter(|(_, read)| read.is_ok()).count(), 100);
    let lost = read.iter().filter(|(_, read)| matches!(read, Err(BusFailure::Disconnected(_))));
    assert_eq!(lost.count(), 50);
    Ok(())
}

#[test]
fn sockets_of_a_unit_are_asked_for_in_part_and_told_whole_or_not_at_all() -> anyhow::Result<()> {
    let manager = manager(|call, message| {
        if call.member().is_none_or(|member| member.as_str() != "Get") {
            return unit(call);
        }
        let body = message.body();
        let (interface, property): (&str, &str) = body.deserialize()?;
        match (interface, property) {
            ("org.freedesktop.systemd1.Socket", "Listen") if is_of(call, "half.socket") => {
                error(call, "a.b.C", "no way")
            }
            ("org.freedesktop.systemd1.Socket", "Listen") => answer(call, &Variant::from("all")),
            ("org.freedesktop.systemd1.Unit", "ActiveState") => answer(call, &Variant::from("active")),
            _ => error(call, "a.b.C", "not there"),
        }
    })?;
    let wanted = OfSockets { unit: &["ActiveState"], socket: &["Listen"] };
    let of = |names: &[&str]| names.iter().copied().map(str::to_owned).collect::<BTreeSet<_>>();
    let of_units = [of(&[]), of(&["half.socket", "whole.socket"]), of(&["whole.socket"])];
    let read: Vec<_> = manager.sockets(&of_units, wanted).into_iter().collect::<Result<_, _>>()?;

    assert_eq!(read.iter().map(BTreeMap::len).collect::<Vec<_>>(), [0, 2, 1]);
    let sockets: Vec<_> = read.into_iter().flatten().collect();
    let [(half, lost), (whole, Ok(properties)), (again, Ok(_))] = sockets.as_slice() else {
        anyhow::bail!("{sockets:?}")
    };
    assert_eq!(half, "half.socket");
    assert_eq!(lost, &Err(BusFailure::Refused("no way".to_owned())));
    assert_eq!([whole, again], ["whole.socket"; 2]);
    assert_eq!((properties.active_state(), properties.text("Listen")), (Some("active"), Some("all")));
    Ok(())
}

#[test]
fn what_a_unit_claims_is_bounded() -> anyhow::Result<()> {
    let manager = manager(|call, _| unit(call))?;
    let many = (0..=MAX_SOCKETS).map(|number| format!("{number}.socket")).collect();
    let of_units = [BTreeSet::new(), many, BTreeSet::from(["a.socket".to_owned()])];
    let read = manager.sockets(&of_units, OfSockets { unit: &[], socket: &[] });
    let [Ok(_), Err(BusFailure::Protocol(why)), Ok(_)] = read.as_slice() else { anyhow::bail!("{read:?}") };
    assert_eq!(why, "257 socket units of one unit, more than 256");
    Ok(())
}

#[test]
fn a_list_is_bounded() -> anyhow::Result<()> {
    let manager = manager(|call, _| {
        if call.member().is_some_and(|member| member.as_str() == "ListUnitsByPatterns") {
            return answer(call, &Vec::<super::listing::UnitRow<'_>>::new());
        }
        let files: Vec<String> = (0..=MAX_SERVICES).map(|number| format!("/{number}.service")).collect();
        answer(call, &files.iter().map(|file| (file.as_str(), "static")).collect::<Vec<_>>())
    })?;
    let Err(BusFailure::Protocol(why)) = manager.list_services() else { anyhow::bail!("it is believed") };
    assert_eq!(why, "a list of 65537 services, more than 65536");
    Ok(())
}

#[test]
fn all_questions_together_have_their_time() -> anyhow::Result<()> {
    let manager = manager(|call, _| unit(call))?;
    let over = Round { end: Instant::now(), ..Round::new(&manager) };
    thread::sleep(Duration::from_millis(2));
    let units = names(3);
    let asked = units.iter().map(String::as_str);
    let ask = async |round: &Round, unit: &str| round.unit(unit, Interfaces::All).await;
    let answers: Vec<_> = zbus::block_on(over.answers(asked, &ask).collect());
    assert_eq!(answers.len(), 3);
    let late = |answer: &Result<_, BusFailure>| matches!(answer, Err(BusFailure::TimedOut { after }) if *after == TIMEOUT * MAX_TIME_OUTS);
    ensure!(answers.iter().all(|(_, answer)| late(answer)), "{answers:?}");
    Ok(())
}

#[test]
fn a_manager_that_executes_itself_anew_is_asked_for_what_it_took_along() -> anyhow::Result<()> {
    let manager = Manager::connect(&bus("anew", vec![hangs_up_after(20), hangs_up_after(150)])?, TIMEOUT)?;
    let units = names(100);
    let read = manager.properties(&units, Interfaces::All);

    ensure!(read.iter().map(|(unit, _)| unit).eq(&units), "{read:?}");
    for (unit, properties) in read {
        assert_eq!(properties?.id(), Some(unit_path(&unit).as_str()));
    }
    Ok(())
}

#[test]
fn a_manager_that_stays_away_keeps_what_it_was_not_asked_in_time() -> anyhow::Result<()> {
    let manager = Manager::connect(&bus("away", vec![hangs_up_after(20)])?, TIMEOUT)?;
    let start = Instant::now();
    let units = names(100);
    let read = manager.properties(&units, Interfaces::All);

    ensure!(start.elapsed() < 5 * TIMEOUT, "{:?}", start.elapsed());
    ensure!(read.iter().map(|(unit, _)| unit).eq(&units), "{read:?}");
    assert_eq!(read.iter().filter(|(_, read)| read.is_ok()).count(), 20);
    let away = read.iter().filter(|(_, read)| matches!(read, Err(BusFailure::NoBus { .. })));
    assert_eq!(away.count(), 80);
    Ok(())
}

#[test]
fn a_manager_that_comes_back_as_another_is_not_judged_by_the_rules_of_the_first() -> anyhow::Result<()> {
    let other = Box::new(of_version("258.1", |call, _| unit(call)));
    let manager = Manager::connect(&bus("other", vec![hangs_up_after(20), other])?, TIMEOUT)?;
    let read = manager.properties(&names(30), Interfaces::All);

    let replaced = BusFailure::Replaced { was: "257.13".to_owned(), now: "258.1".to_owned() };
    assert_eq!(read.iter().filter(|(_, read)| read.as_ref() == Err(&replaced)).count(), 10);
    assert_eq!(read.iter().filter(|(_, read)| read.is_ok()).count(), 20);
    Ok(())
}

#[test]
fn a_bus_whose_manager_has_left_it_is_asked_again() -> anyhow::Result<()> {
    let mut gone = 0;
    let left: Play = Box::new(of_version("257.13", move |call, _| {
        gone += 1;
        match gone {
            1..=5 => unit(call),
            6 => error(call, "org.freedesktop.DBus.Error.NoReply", "Message recipient disconnected"),
            _ => error(call, "org.freedesktop.DBus.Error.ServiceUnknown", "The name is not activatable"),
        }
    }));
    let manager = Manager::connect(&bus("left", vec![left, hangs_up_after(50)])?, TIMEOUT)?;
    let units = names(20);
    let read = manager.properties(&units, Interfaces::All);
    ensure!(read.iter().all(|(_, read)| read.is_ok()), "{read:?}");
    Ok(())
}

#[test]
fn lies_stay_with_the_unit_they_are_told_of() -> anyhow::Result<()> {
    let manager = manager(|call, _| match call.path().map_or("", |path| path.as_str()) {
        path if path.contains("wrong_5fsignature") => answer(call, &(7_u32, "seven")),
        path if path.contains("nothing") => answer(call, &()),
        path if path.contains("huge") => {
            let huge = "x".repeat(MAX_PROPERTIES_BYTES);
            answer(call, &BTreeMap::from([("Id", Variant::from(huge))]))
        }
        path if path.contains("long") => {
            let long = vec![0_u16; super::convert::MAX_MEMBERS + 1];
            answer(call, &BTreeMap::from([("\u{1b}[2JCPU", Variant::from(long))]))
        }
        path if path.contains("wrong_5ftypes") => answer(
            call,
            &BTreeMap::from([
                ("Id", Variant::from(1_u32)),
                ("LoadState", false.into()),
                ("LoadError", ("one", "two", "three").into()),
                ("DropInPaths", Variant::from(vec![1_u32])),
                ("NeedDaemonReload", "yes".into()),
            ]),
        ),
        path if path.contains("rude") => error(call, "a.b.C", "no\u{1b}[2J\nway."),
        _ => unit(call),
    })?;
    let units =
        ["wrong_signature", "nothing", "huge", "long", "wrong_types", "rude", "good"].map(str::to_owned);
    let read: BTreeMap<_, _> = manager.properties(&units, Interfaces::All).into_iter().collect();

    for unit in ["wrong_signature", "nothing", "huge", "long"] {
        let read = read.get(unit).context(unit)?;
        let Err(failure @ BusFailure::Protocol(_)) = read else { anyhow::bail!("{unit}: {read:?}") };
        ensure!(!failure.to_string().contains(char::is_control), "{failure}");
    }
    let wrong = read.get("wrong_types").context("wrong_types")?.as_ref().map_err(Clone::clone)?;
    assert_eq!(wrong.get("Id"), Some(&BusValue::Unsigned(1)));
    assert_eq!((wrong.id(), wrong.load_state(), wrong.load_error()), (None, None, None));
    assert_eq!((wrong.drop_in_paths(), wrong.needs_daemon_reload()), (Vec::new(), None));
    assert_eq!(read.get("rude"), Some(&Err(BusFailure::Refused("no\\u{1b}[2J\\nway".to_owned()))));
    ensure!(read.get("good").is_some_and(Result::is_ok));
    Ok(())
}

#[test]
fn a_bus_without_systemd_is_told_when_connecting() -> anyhow::Result<()> {
    let refuse = |name: &'static str| connect(move |call, _| error(call, name, "none"));
    let failure = refuse("org.freedesktop.DBus.Error.ServiceUnknown")?.err();
    assert_eq!(failure, Some(BusFailure::NoSystemd));
    let failure = refuse("org.freedesktop.DBus.Error.AccessDenied")?.err();
    assert_eq!(failure, Some(BusFailure::AccessDenied("none".to_owned())));

    let nameless = connect(|call, _| answer(call, &BTreeMap::<&str, Variant<'_>>::new()))?;
    ensure!(matches!(nameless, Err(BusFailure::Protocol(_))));
    Ok(())
}

#[test]
fn a_socket_that_is_no_bus_is_left() -> anyhow::Result<()> {
    let after_authentication = b"OK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n";
    let garbage = [&after_authentication[..], &[0xff; 64]].concat();
    let endless = [&after_authentication[..], b"l\x02\0\x01\xff\xff\xff\x7f", &[1; 64]].concat();
    let said = [b"", &b"HTTP/1.1 400 \x1b[2J\r\n\r\n"[..], b"REJECTED\r\n", &garbage, &endless];
    for (place, said) in said.into_iter().enumerate() {
        let name = format!("systemd-harden-test-{}-{place}", std::process::id());
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        let address = Address::At(format!("unix:abstract={name}"));
        let connected = thread::spawn(move || Manager::connect(&address, TIMEOUT));
        let (mut stream, _) = listener.accept()?;
        stream.write_all(said)?;
        let connected = connected.join().map_err(|_| anyhow::anyhow!("connecting panicked"))?;

        let Err(failure @ BusFailure::NoBus { .. }) = connected else {
            anyhow::bail!("`{}`: {connected:?}", said.escape_ascii())
        };
        ensure!(!failure.to_string().contains(char::is_control), "{failure:?}");
    }
    Ok(())
}

#[test]
fn services_in_memory_and_on_disk_are_one_list() -> anyhow::Result<()> {
    let manager = manager(|call, _| {
        let object = ObjectPath::try_from("/")?;
        let row =
            |name, load, active| (name, "", load, active, "", "", object.clone(), 0_u32, "", object.clone());
        match call.member().map_or("", |member| member.as_str()) {
            "ListUnitsByPatterns" => answer(
                call,
                &vec![
                    row("b.service", "loaded", "active"),
                    row("gone.service", "not-found", "inactive"),
                    row("not-asked-for.socket", "loaded", "active"),
                ],
            ),
            _ => answer(
                call,
                &vec![
                    ("/usr/lib/systemd/system/b.service", "enabled"),
                    ("/usr/lib/systemd/system/a@.service", "static"),
                    ("/etc/systemd/system/c.service", "alias"),
                    ("/etc/systemd/system/.service", "static"),
                ],
            ),
        }
    })?;
    let services = manager.list_services()?;
    let listed: Vec<_> = services
        .iter()
        .map(|service| {
            let in_memory = service.load_state.clone();
            (service.name.as_str(), in_memory, service.is_template(), service.is_alias())
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("a@.service", None, true, false),
            ("b.service", Some(LoadState::Loaded), false, false),
            ("c.service", None, false, true),
            ("gone.service", Some(LoadState::NotFound), false, false),
        ]
    );
    let running = services.get(1).context("b.service")?;
    assert_eq!(running.active_state.as_deref(), Some("active"));
    assert_eq!(running.file.as_ref().map(|file| file.state.as_str()), Some("enabled"));
    assert_eq!(running.object_path(), unit_path("b.service"));
    Ok(())
}
