//! Manifests as cases: good ones that load, bad ones with the whole message.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::words::{Line, Mode, ServiceName, UnitName, UserName};
use super::{LARGEST, Manifest, ManifestError, Service, Source, Sources, load};
use crate::catalogue::FOR_MANIFESTS;

fn cases(folder: &str) -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}

fn load_case(path: &Path) -> anyhow::Result<Result<Manifest, ManifestError>> {
    let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
    let folder = path.with_extension("toml.d");
    let mut drop_ins = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let drop_in = path.file_name().context("a name")?.to_string_lossy().into_owned();
        drop_ins.push((format!("{name}.d/{drop_in}"), fs::read(&path)?));
    }
    let bytes = fs::read(path)?;
    let sources = Sources {
        main: Source { path: &name, bytes: &bytes },
        drop_ins: drop_ins.iter().map(|(path, bytes)| Source { path, bytes }).collect(),
    };
    Ok(load(&sources, &FOR_MANIFESTS))
}

#[test]
fn good_manifests_load() -> anyhow::Result<()> {
    let (mut loaded, mut refused) = (0, Vec::new());
    for path in cases("manifests")? {
        loaded += 1;
        refused.extend(load_case(&path)?.err().map(|error| error.to_string()));
    }
    assert!(loaded >= 9, "only {loaded} good manifests were found");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    Ok(())
}

#[test]
fn bad_manifests_are_refused_in_these_words() -> anyhow::Result<()> {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let (mut told, mut wrong) = (0, Vec::new());
    for path in cases("manifest-errors")? {
        let message = match load_case(&path)? {
            Ok(_) => bail!("{} was taken", path.display()),
            Err(error) => format!("{error}\n"),
        };
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &message)?;
        } else if fs::read_to_string(&expected).unwrap_or_default() != message {
            wrong.push(format!("{}:\n{message}", path.display()));
        }
        told += 1;
    }
    assert!(told >= 60, "only {told} bad manifests were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Loads a manifest and drop-ins, given with their paths.
fn merged(main: &str, drop_ins: &[(&str, &str)]) -> Result<Manifest, ManifestError> {
    let drop_ins = drop_ins.iter().map(|(path, text)| Source { path, bytes: text.as_bytes() }).collect();
    load(&Sources { main: Source { path: "a.toml", bytes: main.as_bytes() }, drop_ins }, &FOR_MANIFESTS)
}

const MAIN: &str = r#"
edition = 1

[users.a]

[service]
name = "a"
aliases = ["b.service"]
exec = ["/usr/bin/a"]

[needs]
generates-code = { because = "lua", default = "off" }
interfaces = "shows them"

[needs.listens]
"tcp 80" = "http"
"tcp 443" = "https"
"#;

fn service<'a>(manifest: &'a Manifest, name: &str) -> anyhow::Result<&'a Service> {
    manifest.services.get(&name.parse()?).with_context(|| format!("no service {name}"))
}

#[test]
fn what_is_not_said_follows_from_the_rest() -> anyhow::Result<()> {
    let manifest = merged(MAIN, &[])?;
    let service = service(&manifest, "a")?;
    assert_eq!(manifest.package.as_str(), "a");
    assert_eq!(service.user.as_ref().map(UserName::as_str), Some("a"));
    assert_eq!(service.needs.stated(), ["listens", "interfaces"]);
    assert_eq!(service.needs.entries().len(), 4);
    assert!(manifest.notices.is_empty());
    Ok(())
}

#[test]
fn a_drop_in_grants_what_was_left_off_and_is_named_for_it() -> anyhow::Result<()> {
    let local = ("/etc/a.toml.d/50-local.toml", "[service.needs.generates-code]\ndefault = \"on\"\n");
    let manifest = merged(MAIN, &[local])?;
    let stated = service(&manifest, "a")?.needs.generates_code.as_ref().context("it is needed")?;
    assert!(stated.is_on());
    assert_eq!(stated.because.as_str(), "lua");
    assert_eq!(stated.place.to_string(), "/etc/a.toml.d/50-local.toml:1:16");
    assert_eq!(manifest.drop_ins.len(), 1);
    Ok(())
}

#[test]
fn a_reason_alone_can_be_given_a_parameter() -> anyhow::Result<()> {
    let local = ("x.toml", "[needs]\ninterfaces.default = \"off\"\nlistens.\"tcp 80\".default = \"off\"\n");
    let manifest = merged(MAIN, &[local])?;
    let needs = &service(&manifest, "a")?.needs;
    assert_eq!(needs.stated(), ["listens"]);
    let off = needs.listens.get(&"tcp 80".parse()?).context("it is kept")?;
    assert_eq!((off.because.as_str(), off.is_on()), ("http", false));
    Ok(())
}

#[test]
fn drop_ins_are_merged_in_the_order_of_their_base_names() -> anyhow::Result<()> {
    let drop_ins = [
        ("/run/x/20-b.toml", "[service]\ndescription = \"second\"\n"),
        ("/etc/x/10-a.toml", "[service]\ndescription = \"first\"\numask = \"0077\"\n"),
    ];
    let manifest = merged(MAIN, &drop_ins)?;
    let service = service(&manifest, "a")?;
    assert_eq!(service.description.as_ref().map(Line::as_str), Some("second"));
    assert_eq!(service.umask.map(Mode::bits), Some(0o077));
    assert_eq!(
        manifest.drop_ins.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        ["/etc/x/10-a.toml", "/run/x/20-b.toml"]
    );
    Ok(())
}

#[test]
fn like_takes_over_all_but_names_and_false_takes_away() -> anyhow::Result<()> {
    let more = r#"
[services.a-prune]
like = "a"
type = "oneshot"
exec = ["/usr/bin/a", "prune"]
needs.listens."tcp 80" = false
needs.interfaces = false
needs.listens."tcp 8080" = "status"
"#;
    let manifest = merged(&format!("{MAIN}{more}"), &[])?;
    let prune = service(&manifest, "a-prune")?;
    assert!(prune.aliases.is_empty());
    let listens: Vec<String> = prune.needs.listens.keys().map(ToString::to_string).collect();
    assert_eq!(listens, ["tcp 443", "tcp 8080"]);
    assert!(prune.needs.interfaces.is_none() && prune.needs.generates_code.is_some());
    assert_eq!(service(&manifest, "a")?.needs.listens.len(), 2);
    Ok(())
}

#[test]
fn sockets_and_timers_start_what_is_named_like_them() -> anyhow::Result<()> {
    let more = r#"
[services."b@"]
exec = ["/usr/bin/b"]
[sockets.a]
listen = ["/run/a.sock"]
[sockets.b]
listen = ["127.0.0.1:7"]
accept = true
[sockets.proxy]
listen = ["0.0.0.0:80"]
proxy-to = "127.0.0.1:80"
starts = "a"
[timers.a]
on-boot = "5min"
"#;
    let main =
        MAIN.replace("\"tcp 80\" =", "\"tcp 127.0.0.1:80\" =").replace("\"tcp 443\" =", "\"unix /run/a\" =");
    let manifest = merged(&format!("{main}{more}"), &[])?;
    let starts = |stem: &str| {
        let socket = manifest.sockets.get(&stem.parse().ok()?)?;
        socket.starts.as_ref().map(ServiceName::as_str)
    };
    assert_eq!((starts("a"), starts("b"), starts("proxy")), (Some("a"), Some("b@"), Some("a")));
    let timer = manifest.timers.values().next().context("a timer")?;
    assert_eq!(timer.starts.as_ref().map(ServiceName::as_str), Some("a"));
    assert_eq!(timer.wanted_by.iter().map(UnitName::as_str).collect::<Vec<_>>(), ["timers.target"]);
    Ok(())
}

#[test]
fn guesses_deserve_notice() -> anyhow::Result<()> {
    let main = MAIN.replace("aliases =", "type = \"forking\"\naliases =");
    let manifest = merged(&main, &[])?;
    let notices: Vec<String> = manifest.notices.iter().map(ToString::to_string).collect();
    let guess = "a.toml:8:1: without `pid-file` systemd guesses the main process, and wrongly if there are two (`type`); \
                 state `pid-file`, or `main-pid`";
    assert_eq!(notices, [guess]);
    Ok(())
}

#[test]
fn too_much_is_refused() {
    let large = format!("{MAIN}# {}", "x".repeat(LARGEST));
    let told = merged(&large, &[]).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(told.starts_with("a.toml:1:1: the manifest has "), "{told}");
    let services = |count| {
        (0..count).fold(String::new(), |text, n| text + &format!("[services.s{n}]\nexec = [\"/a\"]\n"))
    };
    let writes = (0..1500).fold(String::new(), |text, n| text + &format!("\"/{n}\" = \"b\"\n"));
    let spread = format!("edition = 1\n[users.a]\n[needs.writes]\n{writes}{}", services(64));
    let told = merged(&spread, &[]).err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(told, "a.toml:1504:2: the units inherit more than 50000 values (`services`)");
    let services = services(65);
    let told = merged(&format!("edition = 1\n[users.a]\n{services}"), &[]);
    let told = told.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(told.starts_with("a.toml:3:2: more than 64 units (`services`)"), "{told}");
}

/// Damage of all kinds is told, not fallen over: a manifest may come from anybody.
#[test]
fn damaged_manifests_are_refused_or_read() -> anyhow::Result<()> {
    const PIECES: [&str; 16] = [
        "\n",
        "\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        "false",
        "true",
        ".",
        "\u{0}",
        "%i",
        "ä",
        "1",
        "[[",
        "like = \"a\"\n",
    ];
    let mut seed = 1_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap_or(0) % below.max(1)
    };
    for path in cases("manifests")? {
        let text = fs::read(&path)?;
        for _ in 0..40 {
            let mut damaged = text.clone();
            for _ in 0..=next(3) {
                let at = next(damaged.len());
                let end = (at + next(12)).min(damaged.len());
                let piece = PIECES.get(next(PIECES.len())).context("a piece")?;
                damaged.splice(at..end, piece.bytes());
            }
            let sources = Sources { main: Source { path: "a.toml", bytes: &damaged }, drop_ins: Vec::new() };
            if let Err(error) = load(&sources, &FOR_MANIFESTS) {
                assert!(!error.problems.is_empty());
                assert!(!error.to_string().contains(|c: char| c.is_control() && c != '\n'));
            }
        }
    }
    Ok(())
}
