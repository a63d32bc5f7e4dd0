//! What somebody does to a host by hand, one thing at a time: each is named, alone, and with it undone nothing is.

use anyhow::{Context as _, Result, ensure};

use super::report::attention;
use crate::machine::Machine;

/// A change of a host.
pub(super) struct Change {
    /// What somebody does, as a script.
    pub(super) does: &'static str,
    /// What undoes it.
    pub(super) undone: &'static str,
    /// What `score` has to say then: severity, id and subject.
    pub(super) found: [&'static str; 3],
}

/// Makes each change, has it named as it should be, and undoes it; in the end everything is as declared.
pub(super) fn each_is_named(machine: &Machine, unit: &str, changes: &[Change]) -> Result<()> {
    machine.install_standin("setacl", "/usr/local/bin/setacl")?;
    ensure!(attention(machine, unit, 0)?.is_empty(), "`{unit}` is not as declared");
    let shell = |script: &str| machine.check(&["sh", "-ec", script]);
    let mut wrong = Vec::new();
    for change in changes {
        shell(change.does)?;
        let found = attention(machine, unit, 1).with_context(|| change.does.to_owned());
        shell(change.undone)?;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                wrong.push(format!("{error:#}"));
                continue;
            }
        };
        if found != [change.found.map(str::to_owned)] {
            wrong.push(format!("`{}`: found {found:?} in place of {:?}", change.does, change.found));
        }
    }
    let left = attention(machine, unit, 0)?;
    ensure!(left.is_empty(), "not undone: {left:?}");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Changes of the host of a key service whose clients are a group.
pub(super) const PARSEC: &[Change] = &[
    Change {
        does: "chmod 0640 /etc/parsec/config.toml",
        undone: "chmod 0600 /etc/parsec/config.toml",
        found: ["finding", "path.mode", "/etc/parsec/config.toml"],
    },
    Change {
        does: "chown root:root /etc/parsec/config.toml",
        undone: "chown parsec:parsec /etc/parsec/config.toml",
        found: ["finding", "path.owner", "/etc/parsec/config.toml"],
    },
    Change {
        does: "setacl /etc/parsec/config.toml $(id -u bob) 4",
        undone: "cp /etc/parsec/config.toml /etc/parsec/c
                 rm /etc/parsec/config.toml
                 install --mode 0600 --owner parsec --group parsec /etc/parsec/c /etc/parsec/config.toml
                 rm /etc/parsec/c",
        found: ["finding", "path.acl", "/etc/parsec/config.toml"],
    },
    Change {
        does: "mv /etc/parsec/config.toml /etc/parsec/c",
        undone: "mv /etc/parsec/c /etc/parsec/config.toml",
        found: ["finding", "path.missing", "/etc/parsec/config.toml"],
    },
    Change {
        does: "chmod 0777 /etc/parsec",
        undone: "chmod 0755 /etc/parsec",
        found: ["critical", "path.mode", "/etc/parsec"],
    },
    Change {
        does: "chmod 0755 /run/parsec",
        undone: "chmod 0750 /run/parsec",
        found: ["finding", "path.mode", "/run/parsec"],
    },
    Change {
        does: "chgrp bob /run/parsec",
        undone: "chgrp parsec-clients /run/parsec",
        found: ["finding", "path.group", "/run/parsec"],
    },
    Change {
        does: "chmod 0711 /var/lib/parsec",
        undone: "chmod 0700 /var/lib/parsec",
        found: ["finding", "path.mode", "/var/lib/parsec"],
    },
    Change {
        does: "touch /var/lib/parsec/0.psa_its; chown parsec /var/lib/parsec/0.psa_its",
        undone: "rm /var/lib/parsec/0.psa_its",
        found: ["finding", "path.mode", "/var/lib/parsec/0.psa_its"],
    },
    Change {
        does: "ln -s /etc /var/lib/parsec/mappings/away; chown -h parsec /var/lib/parsec/mappings/away",
        undone: "rm /var/lib/parsec/mappings/away",
        found: ["finding", "path.link-out", "/var/lib/parsec/mappings/away"],
    },
    Change {
        does: "chmod 0644 /var/log/parsec/parsec.log",
        undone: "chmod 0600 /var/log/parsec/parsec.log",
        found: ["finding", "path.mode", "/var/log/parsec/parsec.log"],
    },
    Change {
        does: "gpasswd --add bob parsec",
        undone: "gpasswd --delete bob parsec",
        found: ["finding", "group.member-undeclared", "bob"],
    },
    Change {
        does: "usermod --shell /bin/bash parsec",
        undone: "usermod --shell /usr/sbin/nologin parsec",
        found: ["finding", "account.shell", "parsec"],
    },
    Change {
        does: "useradd --non-unique --no-create-home --gid bob --uid $(id -u parsec) second",
        undone: "sed -i /^second:/d /etc/passwd /etc/shadow",
        found: ["critical", "account.uid-shared", "parsec"],
    },
    Change {
        does: "chpasswd <<'END'\nparsec:secret\nEND",
        undone: "usermod --password '!*' parsec",
        found: ["finding", "account.password", "parsec"],
    },
    Change {
        does: "sed -i.kept /^parsec:/d /etc/passwd",
        undone: "mv /etc/passwd.kept /etc/passwd",
        found: ["finding", "account.missing", "parsec"],
    },
    Change {
        does: "chown parsec /usr/libexec/parsec",
        undone: "chown root /usr/libexec/parsec",
        found: ["finding", "exec.writable", "/usr/libexec/parsec"],
    },
    Change {
        does: "chmod 0757 /usr/libexec/parsec",
        undone: "chmod 0755 /usr/libexec/parsec",
        found: ["critical", "exec.writable", "/usr/libexec/parsec"],
    },
    Change {
        does: "chmod 0777 /usr/libexec",
        undone: "chmod 0755 /usr/libexec",
        found: ["critical", "path.parent-writable", "/usr/libexec"],
    },
    // A process keeps the groups that it was started with.
    Change {
        does: "gpasswd --add bob parsec-clients
               systemd-run --quiet --unit former --property Type=exec --uid bob sleep 600
               gpasswd --delete bob parsec-clients",
        undone: "systemctl stop former",
        found: ["finding", "group.lingering", "parsec-clients"],
    },
    Change {
        does: "mv /home/alice /srv/alice; ln -s /srv/alice /home/alice",
        undone: "rm /home/alice; mv /srv/alice /home/alice",
        found: ["finding", "home.elsewhere", "/home/alice"],
    },
];

/// Changes of the host of a database whose members must not choose what root runs.
pub(super) const SCARLETDME: &[Change] = &[
    // As the program's own installation leaves it: a member renames the folder and makes another one.
    Change {
        does: "chmod 2775 /usr/qmsys",
        undone: "chmod 3775 /usr/qmsys",
        found: ["critical", "path.mode", "/usr/qmsys"],
    },
    Change {
        does: "chown qmsys /usr/qmsys",
        undone: "chown root /usr/qmsys",
        found: ["critical", "path.owner", "/usr/qmsys"],
    },
    Change {
        does: "chmod 0777 /usr/qmsys/bin",
        undone: "chmod 0755 /usr/qmsys/bin",
        found: ["critical", "path.mode", "/usr/qmsys/bin"],
    },
    Change {
        does: "chown alice /usr/qmsys/bin/qm",
        undone: "chown root /usr/qmsys/bin/qm",
        found: ["critical", "path.owner", "/usr/qmsys/bin/qm"],
    },
    Change {
        does: "mv /usr/qmsys/bin/qm /usr/qmsys/bin/q; ln -s /home/alice/qm /usr/qmsys/bin/qm
               cp /usr/qmsys/bin/q /home/alice/qm",
        undone: "rm /home/alice/qm; mv /usr/qmsys/bin/q /usr/qmsys/bin/qm",
        found: ["critical", "path.kind", "/usr/qmsys/bin/qm"],
    },
    Change {
        does: "chmod 0666 /etc/scarlet.conf",
        undone: "chmod 0644 /etc/scarlet.conf",
        found: ["critical", "path.mode", "/etc/scarlet.conf"],
    },
    Change {
        does: "groupmod --new-name qm qmusers",
        undone: "groupmod --new-name qmusers qm",
        found: ["finding", "group.missing", "qmusers"],
    },
];

/// Changes of what a session's socket binds: a port alone is every address of both families.
pub(super) const SCARLETDME_SESSIONS: &[Change] = &[Change {
    does: "mkdir /etc/systemd/system/scarletdmeserver.socket.d
           printf '[Socket]\\nListenStream=\\nListenStream=4242\\n' \
               >/etc/systemd/system/scarletdmeserver.socket.d/bare.conf
           systemctl daemon-reload
           systemctl restart scarletdmeserver.socket",
    undone: "rm -r /etc/systemd/system/scarletdmeserver.socket.d
             systemctl daemon-reload
             systemctl restart scarletdmeserver.socket",
    found: ["finding", "listener.undeclared", "tcp [::]:4242"],
}];

/// Changes of a server that belongs behind a proxy. What a file of variables says wins over what the unit sets; it was
/// put right again, and the server not restarted.
pub(super) const PARSEC_CLOUD: &[Change] = &[Change {
    does: "echo PARSEC_HOST=0.0.0.0 >>/etc/parsec-cloud/parsec.env
           systemctl restart parsec-cloud
           sed -i /^PARSEC_HOST/d /etc/parsec-cloud/parsec.env
           for i in $(seq 100); do grep -q ' 00000000:1A79 .* 0A ' /proc/net/tcp && exit; sleep 0.1; done; exit 1",
    undone: "systemctl restart parsec-cloud
             for i in $(seq 100); do grep -q ' 0100007F:1A79 .* 0A ' /proc/net/tcp && exit; sleep 0.1; done; exit 1",
    found: ["finding", "listener.undeclared", "tcp 0.0.0.0:6777"],
}];

/// A change that the unit's own sandbox stops where the manager has BPF.
pub(super) const BARYCENTER_UNBOUND: &[Change] = &[Change {
    does: "echo 'authz_enabled = true' >>/etc/barycenter/config.toml
           systemctl restart barycenter
           for i in $(seq 100); do
               grep -q ':2384 .* 0A ' /proc/$(systemctl show --value -p MainPID barycenter)/net/tcp && exit
               sleep 0.1
           done; exit 1",
    undone: "sed -i /^authz/d /etc/barycenter/config.toml; systemctl restart barycenter",
    found: ["finding", "listener.undeclared", "tcp 127.0.0.1:9092"],
}];

/// Changes of the host of a provider that keeps its key and database in files.
pub(super) const BARYCENTER: &[Change] = &[
    Change {
        does: "chmod 0755 /var/lib/barycenter",
        undone: "chmod 0750 /var/lib/barycenter",
        found: ["finding", "path.mode", "/var/lib/barycenter"],
    },
    Change {
        does: "chmod 0644 /var/lib/barycenter/private_key.json",
        undone: "chmod 0600 /var/lib/barycenter/private_key.json",
        found: ["finding", "path.mode", "/var/lib/barycenter/private_key.json"],
    },
    Change {
        does: "chmod 0644 /etc/barycenter/config.toml",
        undone: "chmod 0640 /etc/barycenter/config.toml",
        found: ["finding", "path.mode", "/etc/barycenter/config.toml"],
    },
    Change {
        does: "chmod 0757 /usr/local/bin/barycenter",
        undone: "chmod 0755 /usr/local/bin/barycenter",
        found: ["critical", "path.mode", "/usr/local/bin/barycenter"],
    },
    Change {
        does: "chmod 0777 /usr/local/bin",
        undone: "chmod 0755 /usr/local/bin",
        found: ["critical", "path.parent-writable", "/usr/local/bin"],
    },
    Change {
        does: "sed -i '/^barycenter:/s:/var/lib:/home:' /etc/passwd",
        undone: "sed -i '/^barycenter:/s:/home:/var/lib:' /etc/passwd",
        found: ["finding", "account.home", "barycenter"],
    },
    Change {
        does: "gpasswd --add alice barycenter",
        undone: "gpasswd --delete alice barycenter",
        found: ["finding", "group.member-undeclared", "alice"],
    },
];
