//! `score` on files, trees and manifests: what it prints and how it ends. The running manager is judged in the
//! throw-away machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::harness::{command, copy_tree, each_case, project, same, scratch};

/// Each folder of tests/cases/score holds `arguments`, the files that they name, and what comes of it: `stdout`,
/// `stderr` and `status`. `UPDATE_GOLDEN=1` rewrites them.
#[test]
fn cases() -> Result<()> {
    each_case("score", 20, run)
}

fn run(case: &Path) -> Result<()> {
    let folder = scratch()?;
    copy_tree(case, folder.path())?;
    let arguments = fs::read_to_string(case.join("arguments")).context("reading `arguments`")?;
    let here = folder.path().to_str().context("a path that is not UTF-8")?;
    // No case may reach the machine's own manager.
    let nowhere = "unix:path=/nonexistent/system_bus_socket";
    let output = command(&["score"])
        .args(arguments.split_whitespace())
        .current_dir(folder.path())
        .env("DBUS_SYSTEM_BUS_ADDRESS", nowhere)
        .env("DBUS_SESSION_BUS_ADDRESS", nowhere)
        .output()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map(|text| text.replace(here, "."));
    same(&case.join("stdout"), &text(output.stdout)?)?;
    same(&case.join("stderr"), &text(output.stderr)?)?;
    same(&case.join("status"), &format!("{}\n", output.status.code().context("a signal")?))
}

/// What `generate` makes of each shipped manifest is what `score` expects of it: no finding on any release.
#[test]
fn what_is_shipped_has_no_finding() -> Result<()> {
    for folder in fs::read_dir(project("units"))? {
        for release in ["252", "262"] {
            let folder = folder.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?.path();
            let name = folder.file_name().and_then(|name| name.to_str()).context("a folder has a name")?;
            let root = scratch()?;
            let tree = root.path().to_str().context("a path that is not UTF-8")?;
            let files = fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
            let is_manifest = |file: &&PathBuf| file.extension().is_some_and(|extension| extension == "toml");
            let manifest = files.iter().find(is_manifest).context("a manifest")?;
            let generated = command(&["generate", "--target", &format!("systemd-{release}"), "--root", tree])
                .arg(manifest)
                .output()?;
            ensure!(generated.status.success(), "{name}: {}", String::from_utf8_lossy(&generated.stderr));
            let scored =
                command(&["score", "--format", "json", "--systemd", release, "--root", tree]).output()?;
            let document: serde_json::Value = serde_json::from_slice(&scored.stdout)?;
            for unit in document["units"].as_array().context("units")? {
                ensure!(unit["manifest"].is_string(), "{name} {release}: {} is declared", unit["unit"]);
                ensure!(unit["findings"] == serde_json::json!([]), "{name} {release}: {}", unit["findings"]);
            }
            ensure!(scored.status.code() == Some(0), "{name} {release}: {:?}", scored.status);
        }
    }
    Ok(())
}

/// The drop-in that `--suggest` prints for a unit without a manifest takes its exposure to what it claims, without a
/// line that systemd does not read, and leaves nothing to suggest.
#[test]
fn a_suggested_drop_in_comes_to_what_it_claims() -> Result<()> {
    let units = [
        "ExecStart=/usr/sbin/x -c /etc/x.conf\nType=forking\nPIDFile=/run/x.pid\n",
        "User=x\nExecStart=/usr/bin/x --data /home/x\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n",
        "DynamicUser=yes\nStateDirectory=x\nExecStart=/usr/bin/x\nDeviceAllow=/dev/kvm rw\nPrivateTmp=no\n",
        "User=x\nPAMName=login\nExecStart=/usr/bin/x\n",
    ];
    for (lines, release) in units.iter().flat_map(|lines| ["252", "262"].map(|release| (lines, release))) {
        let folder = scratch()?;
        let file = folder.path().join("x.service");
        fs::write(&file, format!("[Service]\n{lines}"))?;
        let scored = |options: &[&str]| -> Result<serde_json::Value> {
            let output = command(&["score", "--format", "json", "--systemd", release])
                .args(options)
                .args(["--root", "/", file.to_str().context("a path that is not UTF-8")?])
                .output()?;
            let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
            Ok(document["units"][0].clone())
        };
        let before = scored(&["--suggest"])?;
        let drop_in = before["drop_in"].as_str().context("a drop-in")?;
        let drop_ins = folder.path().join("x.service.d");
        fs::create_dir(&drop_ins)?;
        fs::write(drop_ins.join("50-harden.conf"), drop_in)?;
        let after = scored(&["--suggest"])?;
        ensure!(after["exposure"] == before["suggested_exposure"], "{lines}{release}: {}", after["exposure"]);
        // Logins inherit what confines them: there is little to say.
        let lowers = after["exposure"].as_f64() < before["exposure"].as_f64();
        ensure!(lowers || lines.contains("PAMName"), "{lines}{release}: {}", after["exposure"]);
        ensure!(after["suggestions"] == serde_json::json!([]), "{lines}{release}: {}", after["suggestions"]);
        let notices = after["notices"].to_string();
        ensure!(
            !notices.contains("line.") && after["findings"] == serde_json::json!([]),
            "{release}: {notices}"
        );
        let own = lines.lines().filter_map(|line| line.split('=').next());
        let says = |key: &&str| drop_in.lines().any(|line| line.starts_with(&format!("{key}=")));
        ensure!(own.clone().all(|key| !says(&key)), "what the unit says is left alone: {drop_in}");
    }
    Ok(())
}

/// With a manifest, the drop-in takes the unit back to its policy, whatever other drop-ins say.
#[test]
fn a_suggested_drop_in_undoes_drift() -> Result<()> {
    let folder = scratch()?;
    copy_tree(&project("tests/cases/score/drift"), folder.path())?;
    let drop_ins = folder.path().join("root/etc/systemd/system/a.service.d");
    let local = "[Service]\nNoNewPrivileges=no\nCapabilityBoundingSet=CAP_SYS_ADMIN\nPrivateUsers=yes\n\
                 SystemCallFilter=\nReadWritePaths=/etc /usr\nRestrictAddressFamilies=AF_INET AF_PACKET\n\
                 ProtectHome=no\nIPAddressDeny=\nUMask=0\nDeviceAllow=/dev/mem\nRestrictNamespaces=no\n\
                 User=root\nNoExecPaths=\nSystemCallArchitectures=native x86\n";
    fs::write(drop_ins.join("local.conf"), local)?;
    let scored = |options: &[&str]| -> Result<(Option<i32>, serde_json::Value)> {
        let output = command(&[
            "score",
            "--format",
            "json",
            "--root",
            "root",
            "--manifest",
            "a.toml",
            "--systemd",
            "252",
        ])
        .args(options)
        .arg("a")
        .current_dir(folder.path())
        .output()?;
        let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok((output.status.code(), document["units"][0].clone()))
    };
    let (status, before) = scored(&["--suggest"])?;
    ensure!(status == Some(1), "{status:?}");
    fs::write(drop_ins.join("zz-policy.conf"), before["drop_in"].as_str().context("a drop-in")?)?;
    let (status, after) = scored(&[])?;
    ensure!(status == Some(0), "{}\n{}", before["drop_in"], after["drift"]);
    ensure!(after["exposure"] == before["suggested_exposure"] && after["exposure"] == after["policy"]);
    Ok(())
}
