use std::sync::Arc;

use super::*;
use crate::catalogue::{self, Stage};
use crate::context::{Mode, Scope, UnitType};
use crate::drift;
use crate::finding::Severity;
use crate::release::Release;
use crate::score::assess;
use crate::syscalls::Architecture;

fn context() -> Context {
    Context {
        release: Release::latest(252),
        mode: Mode::Loaded,
        scope: Scope::System,
        unit_type: UnitType::Service,
        architecture: Architecture::X86_64,
    }
}

fn posture(unit: &str, assignments: &[(&str, &str)], origin: &Origin) -> anyhow::Result<Posture> {
    let mut posture = Posture::unset(unit, context());
    for (name, value) in assignments {
        let directive = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
        posture.assign(directive, value, origin.clone());
    }
    posture.settle(Stage::Load);
    Ok(posture)
}

/// A service that is weaker than declared in one directive, stricter in another, and misspells a third.
fn quotesd() -> anyhow::Result<UnitReport> {
    let wanted =
        [("NoNewPrivileges", "yes"), ("CapabilityBoundingSet", "CAP_CHOWN"), ("ProtectHome", "read-only")];
    let wanted = posture("quotesd.service", &wanted, &Origin::Policy(vec![Reason::Strictness]))?;
    let line = Origin::Line { path: Arc::from("/etc/q\u{1b}.conf"), line: 2 };
    let found = [("CapabilityBoundingSet", "CAP_CHOWN CAP_SYS_ADMIN"), ("ProtectHome", "yes")];
    let found = posture("quotesd.service", &found, &line)?;
    let assessment = assess(&found);
    let policy = assess(&wanted).exposure;
    let declared = Declared {
        manifest: Arc::from("/usr/lib/systemd-harden/quotesd.toml"),
        service: "quotesd.service".to_owned(),
        services: 1,
        accept: Arc::default(),
        policy,
        avoidable: assessment.exposure.above(policy),
        strict: Some(assess(&wanted)),
        drift: drift::compare(&wanted, &found),
    };
    let misread = Finding {
        place: Some((Arc::from("/etc/q"), Some(3))),
        directive: catalogue::find("SystemCallFilter"),
        ..Finding::new("line.misread", "`@x\u{9b}` is no set")
    };
    Ok(UnitReport {
        unit: "quotesd.service".to_owned(),
        source: Source::Bus,
        context: Some(context()),
        outcome: Outcome::Judged(Box::new(Judged {
            posture: found,
            assessment,
            declared: Some(declared),
            suggestion: None,
        })),
        findings: vec![misread, Finding::notice("unit.stale", "its files have changed")],
        evidence: None,
    })
}

fn other(unit: &str, outcome: Outcome) -> UnitReport {
    UnitReport {
        unit: unit.to_owned(),
        source: Source::File,
        context: None,
        outcome,
        findings: Vec::new(),
        evidence: None,
    }
}

#[test]
fn one_unit_with_its_drift_and_every_check() -> anyhow::Result<()> {
    let text = text(&Report { units: vec![quotesd()?] }, Appearance::default());
    let (head, checks) = text.split_once("\n\n").ok_or_else(|| anyhow::anyhow!("checks"))?;
    let expected = "\
quotesd.service   7.2 MEDIUM  policy  6.8  avoidable  0.4  2 drift, 1 finding, 2 notices
  weaker       NoNewPrivileges=        wanted yes, found no         default
  weaker       CapabilityBoundingSet=  found with CAP_SYS_ADMIN     /etc/q\\u{1b}.conf:2
  stricter     ProtectHome=            wanted read-only, found yes  /etc/q\\u{1b}.conf:2
  finding      /etc/q:3: `@x\\u{9b}` is no set
  notice       its files have changed";
    similar_or_equal(head, expected)?;
    let of = |id: &str| checks.lines().find(|line| line.contains(id)).map(str::to_owned);
    let line = of("PrivateNetwork").unwrap_or_default();
    assert!(line.starts_with('✗') && line.contains("0.5  PrivateNetwork=no  (default)"), "{line}");
    assert!(of("SupplementaryGroups").unwrap_or_default().ends_with("does not apply"));
    assert_eq!(checks.lines().count(), assess(&Posture::unset("a.service", context())).lines.len());
    Ok(())
}

fn similar_or_equal(found: &str, expected: &str) -> anyhow::Result<()> {
    let diff = similar::TextDiff::from_lines(expected, found);
    anyhow::ensure!(found == expected, "{}", diff.unified_diff().header("expected", "found"));
    Ok(())
}

#[test]
fn several_units_are_a_table_without_checks_and_notices() -> anyhow::Result<()> {
    let masked = other("a.service", Outcome::PassedOver("masked".to_owned()));
    let gone = other("gone.service", Outcome::Failed("no such unit".to_owned()));
    let report = Report { units: vec![masked, quotesd()?, gone] };
    let text = text(&report, Appearance::default());
    assert!(text.starts_with("a.service        masked\nquotesd.service   7.2 MEDIUM"), "{text}");
    assert!(
        !text.contains("PrivateNetwork") && !text.contains("its files") && !text.contains("gone"),
        "{text}"
    );
    assert!(text.contains("  weaker       NoNewPrivileges=") && !text.contains("stricter"), "{text}");
    Ok(())
}

#[test]
fn what_is_accepted_does_not_count_until_its_day_has_passed() -> anyhow::Result<()> {
    let day = |day| crate::manifest::Date { year: 2027, month: 1, day };
    let place = |line| crate::manifest::Place { file: Arc::from("/etc/x.toml"), line, column: 1 };
    let accept = |line| -> anyhow::Result<_> {
        Ok(Accepted { because: "the vendor mends it".parse()?, until: day(31), place: place(line) })
    };
    let reported = |today| -> anyhow::Result<Report> {
        let mut unit = quotesd()?;
        let Outcome::Judged(judged) = &mut unit.outcome else { anyhow::bail!("judged") };
        let declared = judged.declared.as_mut().ok_or_else(|| anyhow::anyhow!("declared"))?;
        let names = ["NoNewPrivileges", "drift.weaker.CapabilityBoundingSet", "line.misread", "path.mode"];
        let accepted = names.iter().zip(1..).map(|(name, line)| Ok((name.parse()?, accept(line)?)));
        declared.accept = Arc::new(accepted.collect::<anyhow::Result<_>>()?);
        let mut report = Report { units: vec![unit] };
        report.accept(today);
        Ok(report)
    };
    let last_day = reported(day(31))?;
    assert_eq!(last_day.status(), Status::Clean);
    let shown = text(&last_day, Appearance::default());
    let because = "accepted until 2027-01-31 at /etc/x.toml:3:1: the vendor mends it";
    assert!(shown.contains("no drift, 3 accepted, 3 notices") && shown.contains(because), "{shown}");
    assert!(shown.contains("/etc/x.toml:4: `path.mode` names nothing that was found"), "{shown}");
    let document: serde_json::Value = serde_json::from_str(&json(&last_day)?)?;
    let accepted = &document["units"][0]["drift"][0]["accepted"];
    let expected = serde_json::json!({
        "because": "the vendor mends it", "until": "2027-01-31", "place": "/etc/x.toml:1:1", "expired": false
    });
    assert_eq!(*accepted, expected);

    let mut after = reported(crate::manifest::Date { month: 2, ..day(1) })?;
    assert_eq!(after.status(), Status::Findings);
    assert!(text(&after, Appearance::default()).contains("2 drift, 1 finding"));
    if let Outcome::Judged(judged) = &mut after.units[0].outcome
        && let Some(declared) = &mut judged.declared
    {
        declared.services = 2;
    }
    after.units[0].findings.clear();
    after.accept(day(1));
    assert!(after.units[0].findings.is_empty(), "the other service may have it");
    Ok(())
}

#[test]
fn a_terminal_gets_lines_that_fit_and_colours() -> anyhow::Result<()> {
    let report = Report { units: vec![quotesd()?] };
    let narrow = text(&report, Appearance { colour: Colour::Never, width: Some(64) });
    assert!(narrow.lines().all(|line| line.chars().count() <= 64), "{narrow}");
    assert!(narrow.contains('…'));
    let coloured = text(&report, Appearance { colour: Colour::Always, width: None });
    assert!(coloured.contains("\u{1b}[31m"));
    assert!(!coloured.contains("\u{9b}") && !coloured.contains("q\u{1b}.conf"));
    Ok(())
}

#[test]
fn the_worst_unit_decides_the_outcome() -> anyhow::Result<()> {
    let failed = || other("a.service", Outcome::Failed(String::new()));
    let passed_over = || other("a.service", Outcome::PassedOver(String::new()));
    let status = |units| Report { units }.status();
    assert_eq!(status(vec![]), Status::Clean);
    assert_eq!(status(vec![passed_over()]), Status::Clean);
    assert_eq!(status(vec![quotesd()?, passed_over()]), Status::Findings);
    assert_eq!(status(vec![failed(), quotesd()?]), Status::Failed);
    let mut stricter = quotesd()?;
    stricter.findings.clear();
    if let Outcome::Judged(judged) = &mut stricter.outcome
        && let Some(declared) = &mut judged.declared
    {
        declared.drift.differences.retain(|difference| difference.severity == Severity::Notice);
        assert_eq!(declared.drift.differences.len(), 1);
    }
    assert_eq!(status(vec![stricter]), Status::Clean);
    Ok(())
}

#[test]
fn json_has_the_fields_that_were_promised() -> anyhow::Result<()> {
    let gone = other("gone.service", Outcome::Failed("no such\u{7f} unit".to_owned()));
    let text = json(&Report { units: vec![quotesd()?, gone] })?;
    assert!(!text.contains(|c: char| c != '\n' && c.is_control()), "{text}");
    let document: serde_json::Value = serde_json::from_str(&text)?;
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    let expected = [
        ("/schema", serde_json::json!(1)),
        ("/units/0/unit", "quotesd.service".into()),
        ("/units/0/source", "bus".into()),
        ("/units/0/systemd", "252".into()),
        ("/units/0/mode", "loaded".into()),
        ("/units/0/arch", "x86-64".into()),
        ("/units/0/exposure", serde_json::json!(7.2)),
        ("/units/0/rating", "MEDIUM".into()),
        ("/units/0/drift/0/id", "drift.weaker.NoNewPrivileges".into()),
        ("/units/0/drift/0/directive", "NoNewPrivileges=".into()),
        ("/units/0/drift/0/wanted", "yes".into()),
        ("/units/0/drift/0/found", "no".into()),
        ("/units/0/drift/0/origin", "default".into()),
        ("/units/0/drift/1/only_found/0", "CAP_SYS_ADMIN".into()),
        ("/units/0/drift/1/origin", "/etc/q\u{1b}.conf:2".into()),
        ("/units/0/drift/2/severity", "notice".into()),
        ("/units/0/findings/0/line", serde_json::json!(3)),
        ("/units/1/error", "no such\u{7f} unit".into()),
        ("/units/1/exposure", serde_json::Value::Null),
    ];
    for (pointer, value) in expected {
        assert_eq!(at(pointer), value, "{pointer}");
    }
    assert!(text.contains("\"exposure\": 0.5,"), "one digit after the point");
    let checks = at("/units/0/checks");
    let check = |id: &str| checks.as_array().into_iter().flatten().find(|check| check["id"] == id).cloned();
    let groups = check("SupplementaryGroups").unwrap_or_default();
    assert!(groups["badness"].is_null() && groups["exposure"].is_null());
    let ports = check("CapabilityBoundingSet_CAP_NET_BIND_SERVICE_BROADCAST_RAW)").unwrap_or_default();
    assert_eq!(ports["badness"], 0);
    assert!(ports["exposure"].is_null());
    Ok(())
}

#[test]
fn the_shipped_schema_is_that_of_the_report() -> anyhow::Result<()> {
    let mut made = serde_json::to_string_pretty(&schema())?;
    made.push('\n');
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/schema.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &made)?;
    }
    similar_or_equal(&made, &std::fs::read_to_string(path)?)
}
