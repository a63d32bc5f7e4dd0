//! Files of settings, which belong to whoever runs the service: each is read as its format, or told to be none, and its
//! values are never repeated where it is not.

use systemd_harden::manifest::FileFormat;
use systemd_harden::settings::{env, read};

use super::input::{Choices, cases, line_count};

/// One file of settings in each of the formats.
pub fn holds(data: &[u8]) {
    let (_, data) = Choices::take(data);
    let lines = line_count(data);
    for format in [FileFormat::Toml, FileFormat::Ini, FileFormat::Env, FileFormat::Keys] {
        match read(format, data) {
            Ok(settings) => {
                for setting in &settings {
                    assert!(
                        setting.line.is_none_or(|line| (1..=lines).contains(&line)),
                        "{:?}",
                        setting.line
                    );
                    assert!(setting.is_beside(setting));
                    // Shown as it would be with any other value.
                    let mut without = setting.clone();
                    without.value.clear();
                    assert_eq!(format!("{setting:?}"), format!("{without:?}"));
                }
                let size: usize = settings.iter().map(|setting| setting.value.len()).sum();
                assert!(size <= data.len() * 8, "{} bytes of {}", size, data.len());
            }
            Err(malformed) => assert!(malformed.line.is_none_or(|line| (1..=lines).contains(&line))),
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let environment = env::read(text);
        for oddity in &environment.oddities {
            assert!((1..=lines).contains(&oddity.line), "{:?} at {} of {lines}", oddity.kind, oddity.line);
        }
        for setting in &environment.settings {
            let key = setting.key();
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(key.chars().all(fits) && !key.starts_with(|c: char| c.is_ascii_digit()), "{key:?}");
        }
    }
}

/// Files of the cases, and what formats have of their own.
pub fn seeds() -> Vec<Vec<u8>> {
    let found = cases(&["tests/cases/score", "units"], &[".toml", ".ini", ".env", ".conf", ".service"]);
    let mut seeds: Vec<Vec<u8>> = found.into_iter().map(|(_, text)| text).collect();
    let own = [
        "A=b\nexport C=d\nE=\"f \\\"g\\\" $h\"\nI='j\nk'\n# x \\\nL=m # n\nO=p\\\n q\n",
        "; c\ntop=1\n[QM]\nA=b \\n\n[other]\nB=\"q\"\n",
        "a = true\n[b.c]\nd = 'x y'\ne = 0x10\n[[f]]\ng = 1\n[[f]]\ng = [2, 3]\nh = 1979-05-27T07:32:00Z\n",
        "# c\n A = b c\nD e\n\nF\nG==h\n",
    ];
    seeds.extend(own.map(|text| text.as_bytes().to_vec()));
    seeds
}
