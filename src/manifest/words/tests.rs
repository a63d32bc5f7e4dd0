//! Every word with texts that it takes and texts that it refuses.

use super::*;

fn takes<T: Text + fmt::Display>(texts: &[&str]) -> anyhow::Result<()> {
    for text in texts {
        assert_eq!(T::read(text)?.to_string(), **text);
    }
    Ok(())
}

fn refuses<T: Text>(texts: &[&str]) {
    for text in texts.iter().chain(&["\n", "\0", "a\nb", "/a\r/b", "/a\u{1b}[0m", "%", "\u{2028}"]) {
        assert!(T::read(text).is_err(), "{} took {text:?}", T::EXPECTED);
    }
}

#[test]
fn texts() -> anyhow::Result<()> {
    takes::<Line>(&["A service", "%i of %n", "100%%", "a # b ; c"])?;
    refuses::<Line>(&["", " a", "a ", "a\\", "%q", "%h", "100%", "% i"]);
    takes::<Argument>(&["", " ", "\"", "$X", "${X}", "%i", "%%", "a\\"])?;
    refuses::<Argument>(&["%u", "%", "a%"]);
    takes::<EnvValue>(&["", "a b", "%t/x"])?;
    refuses::<EnvValue>(&["%U", "50%"]);
    takes::<Gecos>(&["Postfix", "A, b (c)"])?;
    refuses::<Gecos>(&["", "a:b", "%H", "a\"b", "a\\b", " a"]);
    takes::<Documentation>(&["man:nginx(8)", "https://example.org/a%%20b", "file:/x", "https://a/[b]~(c)"])?;
    refuses::<Documentation>(&[
        "man:a\\",
        "",
        "man:",
        "ftp://x",
        "https://a b",
        "https://a%20b",
        "https://a/'",
        "https://a/\"b\"",
        "man:a\\b",
        "https://ä",
    ]);
    takes::<Because>(&["100% of them", "a"])?;
    assert!(["", "a\nb", "a\\", "a\u{202e}b"].iter().all(|text| Because::read(text).is_err()));
    Ok(())
}

#[test]
fn names() -> anyhow::Result<()> {
    takes::<UserName>(&["a", "_a", "A-b_9", "abcdefghijklmnopqrstuvwxyz01234"])?;
    refuses::<UserName>(&["", "9a", "-a", "a.b", "a b", "a$", "ä", "abcdefghijklmnopqrstuvwxyz012345"]);
    takes::<PackageName>(&["php8.2-fpm", "libstdc++", "0ad"])?;
    refuses::<PackageName>(&["", "../a", ".a", "a/b", "a b"]);
    takes::<UnitName>(&["a.service", "a@%i.service", "a@b.c@d.socket", "-.mount", "dev-x\\x2dy.device"])?;
    refuses::<UnitName>(&[
        "",
        "a",
        ".service",
        "a b.service",
        "a.servce",
        "@x.service",
        "a%n.service",
        "a/b.service",
    ]);
    takes::<ServiceName>(&["a", "a@", "php8.2-fpm", "systemd-fsck@"])?;
    refuses::<ServiceName>(&["", "@", "a@b", "a.service", "a b", "a%i", "../a", "a/b"]);
    takes::<UnitStem>(&["a", "a@", "org.example"])?;
    refuses::<UnitStem>(&["", "a.socket", "a.timer", "a b"]);
    takes::<EnvName>(&["A", "_a9"])?;
    refuses::<EnvName>(&["", "9A", "A-B", "A=B", "A B"]);
    takes::<CredentialName>(&["db-url", "a.b"])?;
    refuses::<CredentialName>(&["", ".", "..", "a/b", "a:b", "a b"]);
    takes::<DirectiveName>(&["ProtectHome", "IPAddressAllow"])?;
    refuses::<DirectiveName>(&["", "ProtectHome=", "protectHome", "X-Y", "A\nB"]);
    takes::<CapabilityName>(&["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"])?;
    refuses::<CapabilityName>(&["", "CAP_NOPE", "cap_chown", "CHOWN"]);
    takes::<CallName>(&["personality", "_llseek", "@mount", "@timer"])?;
    refuses::<CallName>(&["", "@nosuch", "~mount", "a:EPERM", "Mount", "a b"]);
    takes::<BusName>(&["org.freedesktop.systemd1", "a-b._c"])?;
    refuses::<BusName>(&["", "systemd1", "a..b", ".a", "a.", ":1.5", "a.b c", "a.9"]);
    takes::<Architecture>(&["x86", "mips64-le-n32"])?;
    refuses::<Architecture>(&["", "X86", "x86 native", "-x"]);
    Ok(())
}

#[test]
fn paths() -> anyhow::Result<()> {
    takes::<AbsolutePath>(&["/", "/a", "/a/b.c", "/a/..b", "/a@%i", "/a%%b", "/-"])?;
    refuses::<AbsolutePath>(&[
        "", "a", "/a/", "//", "/a//b", "/a/./b", "/.", "/..", "/a/..", "/a b", "/a\"", "/a\\b",
    ]);
    refuses::<AbsolutePath>(&["/a'", "/%n", "/a*", "/a?", "/[a]", "%t/a", "-/a", "+/a", "~/a"]);
    takes::<RulePath>(&["/", "/a", "/a/"])?;
    refuses::<RulePath>(&["", "a/", "//", "/a//", "/a/../", "/a*"]);
    takes::<PathGlob>(&["/usr/lib/*/x.so*", "/a/[bc]/", "/a?"])?;
    refuses::<PathGlob>(&["", "*", "/a/../*", "/a b*"]);
    takes::<RelativePath>(&["a", "a/b", "a-%i"])?;
    refuses::<RelativePath>(&["", "/a", "a/", ".", "..", "a/../b", "a//b", "a b", "a*"]);
    takes::<ConditionPath>(&["/a", "!/a"])?;
    refuses::<ConditionPath>(&["", "!", "!!/a", "|/a", "a"]);
    takes::<EnvironmentFile>(&["/a", "-/a"])?;
    refuses::<EnvironmentFile>(&["", "-", "--/a", "a", "/a/*.env"]);
    takes::<LogPath>(&["a.log", "a/b.log", "/srv/a.log"])?;
    refuses::<LogPath>(&["", "../a.log", "a/", "/srv/"]);
    takes::<Program>(&["any", "/bin/a", "/bin/"])?;
    refuses::<Program>(&["", "all", "bin/a"]);
    takes::<DeviceName>(&["/dev/null", "/dev/disk/by-id/x", "char-rtc", "block-*", "char-pts/?"])?;
    refuses::<DeviceName>(&["", "/dev", "/dev/", "/dev/../x", "/sys/x", "char-", "block-a b", "rtc"]);
    let long = format!("/{}", "a".repeat(256));
    assert!(AbsolutePath::read(&long).is_err());
    assert_eq!((RulePath::read("/a/")?.path(), RulePath::read("/")?.path()), ("/a", "/"));
    Ok(())
}

#[test]
fn quantities() -> anyhow::Result<()> {
    takes::<Mode>(&["0000", "0750", "7777"])?;
    refuses::<Mode>(&["", "0", "07", "888", "00750", "+750", "0o75"]);
    assert_eq!((Mode::read("750")?.bits(), Mode::read("750")?.to_string()), (0o750, "0750".to_owned()));
    for (text, micros) in [
        ("5s", 5_000_000),
        ("1min 30s", 90_000_000),
        ("1min30s", 90_000_000),
        ("1.5h", 5_400_000_000),
        ("2 weeks", 1_209_600_000_000),
        ("1M", 2_629_800_000_000),
        ("0s", 0),
    ] {
        assert_eq!(TimeSpan::read(text)?.micros(), Some(micros), "{text}");
    }
    assert_eq!(TimeSpan::read("infinity")?.micros(), None);
    refuses::<TimeSpan>(&[
        "",
        "5",
        "s",
        "-5s",
        "5 parsecs",
        "5s ",
        " 5s",
        "1.2.3s",
        "5s,6s",
        "99999999999y",
        ".s",
    ]);
    takes::<Size>(&["512M", "1.5G", "0", "20%", "infinity"])?;
    assert_eq!(Size::read("1.5G")?, Size::Bytes("1.5G".to_owned(), 1_610_612_736));
    refuses::<Size>(&["", "M", "5Q", "101%", "-1", "1 G", "99999999999999999999", "16E"]);
    takes::<Percent>(&["1%", "250%"])?;
    refuses::<Percent>(&["", "0%", "5", "1.5%", "+5%", "70000%"]);
    takes::<DeviceAccess>(&["r", "rw", "rwm"])?;
    refuses::<DeviceAccess>(&["", "wr", "rr", "x"]);
    Ok(())
}

#[test]
fn endpoints() -> anyhow::Result<()> {
    takes::<Endpoint>(&[
        "any",
        "net",
        "tcp 443",
        "udp any",
        "tcp 127.0.0.1:80",
        "tcp [::1]:80",
        "tcp 10.0.0.0/8:any",
    ])?;
    takes::<Endpoint>(&[
        "udp [fe80::/64]:5353",
        "unix /run/a.sock",
        "unix /run/a/",
        "unix @a",
        "dbus org.a",
    ])?;
    refuses::<Endpoint>(&[
        "",
        "tcp",
        "tcp 0",
        "tcp 65536",
        "tcp 080",
        "tcp ::1:80",
        "tcp [127.0.0.1]:80",
        "tcp a:80",
    ]);
    refuses::<Endpoint>(&[
        "tcp 10.0.0.1/8:80",
        "unix run",
        "unix @",
        "unix @a b",
        "dbus a",
        "sctp 5",
        "any ",
        "tcp  80",
    ]);
    takes::<Listen>(&[
        "80",
        "udp 53",
        "127.0.0.1:80",
        "[::1]:80",
        "udp [::]:53",
        "/run/a",
        "@a",
        "datagram /run/a",
    ])?;
    takes::<Listen>(&["sequential @a", "fifo /run/a"])?;
    refuses::<Listen>(&[
        "",
        "0",
        "a:80",
        "127.0.0.1:0",
        "fifo @a",
        "/run/a/",
        "tcp 80",
        "stream /a",
        "vsock::5",
        "::1:80",
    ]);
    takes::<SocketAddress>(&["127.0.0.1:80", "[::1]:80"])?;
    refuses::<SocketAddress>(&["", "80", "localhost:80", "127.0.0.1:0", "127.0.0.1"]);
    takes::<SourceFilter>(&[
        "any",
        "localhost",
        "link-local",
        "multicast",
        "10.0.0.0/8",
        "192.0.2.1",
        "fe80::/64",
        "::1",
    ])?;
    refuses::<SourceFilter>(&[
        "",
        "0.0.0.0/0",
        "::/0",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "everybody",
        "10.0.0.0/8 ::1",
    ]);
    Ok(())
}

#[test]
fn endpoints_know_what_they_are() -> anyhow::Result<()> {
    let known = |text: &str| Endpoint::read(text).map(|end| (end.is_ip(), end.is_loopback(), end.low_port()));
    assert_eq!(known("any")?, (true, false, None));
    assert_eq!(known("tcp 443")?, (true, false, Some(443)));
    assert_eq!(known("tcp any")?, (true, false, None));
    assert_eq!(known("tcp 127.0.0.1:1023")?, (true, true, Some(1023)));
    assert_eq!(known("udp [::1]:1024")?, (true, true, None));
    assert_eq!(known("tcp 127.0.0.0/8:any")?, (true, true, None));
    assert_eq!(known("tcp 126.0.0.0/7:any")?, (true, false, None));
    assert_eq!(known("tcp [::/127]:any")?, (true, false, None));
    assert_eq!(known("unix /run/a")?, (false, false, None));
    Ok(())
}

#[test]
fn quoting_hides_what_a_terminal_would_obey() {
    assert_eq!(quoted("a\u{1b}[2J\n"), r"`a\u{1b}[2J\n`");
    assert_eq!(quoted("a\u{202e}b"), r"`a\u{202e}b`");
    assert_eq!(quoted(&"x".repeat(100)).chars().count(), 83);
}

#[test]
fn the_nearest_word_is_near() {
    assert_eq!(nearest("descripton", ["description", "documentation"]), Some("description"));
    assert_eq!(nearest("zzz", ["description", "documentation"]), None);
}
