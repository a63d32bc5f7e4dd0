//! Socket units.

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::service::install;
use super::{File, FileKind, Form, LiteralLines, Renderer, setting};
use crate::manifest::{Install, Scope, Socket};
use crate::policy::socket_policy;

#[derive(Serialize)]
struct View {
    description: String,
    conditions: Vec<String>,
    listen_reasons: Vec<String>,
    listen: Vec<String>,
    accept: bool,
    starts: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<String>,
    max_connections: Option<u32>,
    max_connections_per_source: Option<u32>,
    literal: LiteralLines,
    install: Vec<String>,
}

impl Renderer<'_> {
    pub(super) fn socket(&self, stem: &str, socket: &Socket) -> Result<File> {
        let (blocks, _) = Self::blocks(&socket_policy(socket), |row| setting(row, Form::Units, &[]));
        let text = self.fill(
            "socket.j2",
            context! { header => self.header(), socket => Value::from(Serde(view(stem, socket))), blocks => Value::from(Serde(blocks)), mark => self.mark() },
        )?;
        let kind = if self.manifest.scope == Scope::User { FileKind::UserUnit } else { FileKind::Unit };
        Ok(File { kind, name: format!("{stem}.socket"), text })
    }
}

fn view(stem: &str, socket: &Socket) -> View {
    let description = socket.description.as_ref().map(|text| text.as_str().to_owned());
    let literal = LiteralLines::of(&socket.unit);
    let mut install = match socket.install {
        Install::Preset => install(&socket.wanted_by, &[], &[]),
        Install::Disabled => Vec::new(),
    };
    install.extend(literal.install.iter().cloned());
    View {
        description: description.unwrap_or_else(|| format!("Socket of {stem}")),
        conditions: socket.condition_path.iter().map(|path| format!("ConditionPathExists={path}")).collect(),
        listen_reasons: socket
            .bare_port
            .iter()
            .map(|why| format!("every address: {}", why.as_str()))
            .collect(),
        listen: socket
            .listen
            .iter()
            .map(|listen| format!("{}={}", listen.value.directive(), listen.value.value()))
            .collect(),
        accept: socket.accept,
        // Service= must not be written beside Accept=yes, and need not be for the unit of the same name.
        starts: socket
            .starts
            .as_ref()
            .filter(|service| service.as_str() != stem)
            .map(crate::manifest::words::ServiceName::unit),
        owner: socket.owner.as_ref().map(|name| name.as_str().to_owned()),
        group: socket.group.as_ref().map(|name| name.as_str().to_owned()),
        mode: socket.mode.as_ref().map(ToString::to_string),
        max_connections: socket.max_connections,
        max_connections_per_source: socket.max_connections_per_source,
        literal,
        install,
    }
}
