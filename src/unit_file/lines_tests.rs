//! Every trap of the line rules, each seen with systemd 252.39.

use std::path::Path;
use std::sync::Arc;

use super::{MAX_LINE, UnitLines, parse};

fn read(text: &[u8]) -> UnitLines {
    parse(&Arc::from(Path::new("/a.service")), text)
}

/// `section.key=value@line`, one after the other.
fn assignments(lines: &UnitLines) -> Vec<String> {
    lines.assignments.iter().map(|a| format!("{}.{}={}@{}", a.section, a.key, a.value, a.line)).collect()
}

#[test]
fn assignments_as_systemd_reads_them() {
    for (what, text, expected) in [
        ("plain", &b"[A]\nk=v"[..], &["A.k=v@2"][..]),
        ("stripped", b" \t[A]\t \n \tk\t = \t v w \t", &["A.k=v w@2"]),
        (
            "only blanks of systemd are stripped",
            "[A]\nk=\u{a0}yes\u{c}".as_bytes(),
            &["A.k=\u{a0}yes\u{c}@2"],
        ),
        ("blanks in the header stay", b"[A ]\nk=v", &["A .k=v@2"]),
        ("case stays", b"[a]\nK=V", &["a.K=V@2"]),
        ("empty value", b"[A]\nk=\nk= ", &["A.k=@2", "A.k=@3"]),
        ("first =", b"[A]\nk=a=b", &["A.k=a=b@2"]),
        ("colon is no separator", b"[A]\nk:x=v", &["A.k:x=v@2"]),
        (
            "repeats stay in order",
            b"[A]\nk=1\n[B]\nk=2\n[A]\nk=3\nk=1",
            &["A.k=1@2", "B.k=2@4", "A.k=3@6", "A.k=1@7"],
        ),
        ("no trailing comment", b"[A]\nk=v # c ; d", &["A.k=v # c ; d@2"]),
        ("comments", b"#x\n [A]\n  # k=1\n\t;k=2\nk=3", &["A.k=3@5"]),
        (
            "quotes and escapes stay",
            br#"[A]
k="a\x20b" 'c'"#,
            &[r#"A.k="a\x20b" 'c'@2"#],
        ),
        ("continuation", b"[A]\nk=a \\\n  b\nl=c", &["A.k=a    b@2", "A.l=c@4"]),
        ("comment in a continuation", b"[A]\nk=a \\\n# c \\\n;d\n  b", &["A.k=a    b@2"]),
        ("empty line ends a continuation", b"[A]\nk=a\\\n\nl=b", &["A.k=a@2", "A.l=b@4"]),
        ("pair of backslashes", b"[A]\nk=a\\\\\nl=b", &["A.k=a\\\\@2", "A.l=b@3"]),
        ("three backslashes", b"[A]\nk=a\\\\\\\nb", &["A.k=a\\\\ b@2"]),
        ("backslash before a blank", b"[A]\nk=a\\ \nl=b", &["A.k=a\\@2", "A.l=b@3"]),
        ("pairs are counted over the joined line", b"[A]\nk\\=a\\\\\\\nl", &["A.k\\=a\\\\ l@2"]),
        ("continuation swallows a header", b"[A]\nk=a\\\n[B]\nl=b", &["A.k=a [B]@2", "A.l=b@4"]),
        ("continuation at the end", b"[A]\nk=a\\", &["A.k=a@2"]),
        ("continued header", b"[A\\\n]\nk=v", &["A .k=v@3"]),
        (
            "carriage returns",
            b"[A]\r\nk=v\r\n\r\nl=w\rm=x\n\rn=y",
            &["A.k=v@2", "A.l=w@4", "A.m=x@5", "A.n=y@6"],
        ),
        ("zero bytes", b"[A]\nk=v\0l=\0\nm=1", &["A.k=v@2", "A.l=@3", "A.m=1@5"]),
        ("byte-order mark", b"\xef\xbb\xbf[A]\nk=v", &["A.k=v@2"]),
        (
            "late byte-order mark",
            b"[A]\n\xef\xbb\xbf[B]\nk=v\n\xef\xbb\xbfl=w",
            &["B.k=v@3", "B.\u{feff}l=w@4"],
        ),
        ("no section", b"k=v\n[A]", &[]),
        ("empty", b"", &[]),
        ("private section", b"[X-Mine]\nk=v", &["X-Mine.k=v@2"]),
    ] {
        let lines = read(text);
        assert_eq!(assignments(&lines), expected, "{what}");
        assert_eq!(lines.broken, None, "{what}");
    }
}

#[test]
fn ignored_lines_become_notices() {
    for (what, text, expected) in [
        (
            "colon",
            &b"[A]\nNoNewPrivileges: yes\nk=v"[..],
            &["2: `NoNewPrivileges: yes` has no `=`, ignored"][..],
        ),
        ("no =, next header stays", b"[A]\nNoValue\n[Install]\nk=v", &["2: `NoValue` has no `=`, ignored"]),
        ("no = at the end", b"[A]\nk=v\nNoValue", &["3: `NoValue` has no `=`, ignored"]),
        ("no key", b"[A]\n =x\nk=v", &["2: `=x` has no key before `=`, ignored"]),
        ("before a section", b"x=y\n[A]\nk=v", &["1: `x=y` stands before any section, ignored"]),
        (
            "mark before a comment",
            b"\xef\xbb\xbf# c\n[A]\nk=v",
            &["1: `# c` stands before any section, ignored"],
        ),
        ("private section", b"[X-A]\nanything\n[A]\nk=v", &[]),
        ("control characters", b"[A]\n\x1b[31m\nk=v", &["2: `\\u{1b}[31m` has no `=`, ignored"]),
    ] {
        let lines = read(text);
        let notices: Vec<String> =
            lines.notices.iter().map(|n| format!("{}: {}", n.line.unwrap_or_default(), n.text)).collect();
        assert_eq!(notices, expected, "{what}");
        assert!(lines.assignments.len() <= 1 && lines.broken.is_none(), "{what}");
    }
    assert_eq!(assignments(&read(b"[A]\nNoValue\n[Install]\nk=v")), ["Install.k=v@4"]);
}

#[test]
fn broken_files_end_where_systemd_ends() {
    let long = [b"[A]\nk=", vec![b'x'; MAX_LINE].as_slice()].concat();
    let joined =
        [b"[A]\nk=", vec![b'x'; MAX_LINE / 2].as_slice(), b"\\\n", &vec![b'y'; MAX_LINE / 2]].concat();
    for (what, text, line) in [
        ("unclosed header", &b"[A]\nk=v\n[Ser\nl=w]\n"[..], 3),
        ("header with a tail", b"[A]\nk=v\n[B] # x\nl=w", 3),
        ("quote in a header", b"[A]\nk=v\n[\"B]\nl=w", 3),
        ("backslash in a header", b"[A]\nk=v\n[B\\x]\nl=w", 3),
        ("bracket alone", b"[A]\nk=v\n[\nl=w", 3),
        ("not UTF-8", b"[A]\nk=v\nx=\xff\nl=w", 3),
        ("noncharacter", b"[A]\nk=v\nx=\xef\xbf\xbf\nl=w", 3),
        ("long line", &long, 2),
        ("long joined line", &joined, 3),
    ] {
        let lines = read(text);
        assert_eq!(lines.broken.map(|broken| broken.line), Some(line), "{what}");
        assert!(lines.assignments.iter().all(|a| a.key != "l"), "{what}: what follows does not count");
    }
    assert!(read(b"[A]\n# \xff\nk=v").broken.is_none(), "comments are dropped unread");
}

#[test]
fn any_bytes_are_read_without_panic() {
    let alphabet = b"[]=\\\n\r\0#; \tA\xef\xbb\xbf\xffk\"'%";
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..20_000 {
        let mut text = Vec::new();
        for _ in 0..state % 40 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.extend(usize::try_from(state >> 33).ok().and_then(|n| alphabet.get(n % alphabet.len())));
        }
        state = state.wrapping_add(1);
        let lines = read(&text);
        let ends = u32::try_from(text.len()).unwrap_or(u32::MAX);
        assert!(lines.assignments.iter().all(|a| a.line >= 1 && a.line <= ends && !a.value.contains('\n')));
    }
}
