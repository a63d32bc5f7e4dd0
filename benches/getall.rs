//! The least that a question to the manager about units takes: `getall UNIT...` asks for the properties of each as the
//! program does, as many at a time, and looks at no answer. `benches/compare` times it beside `score`.

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, stream};
use systemd_harden::bus::{IN_FLIGHT, unit_path};
use zbus::connection::Builder;

fn main() -> Result<()> {
    let paths: Vec<String> = std::env::args().skip(1).map(|unit| unit_path(&unit)).collect();
    zbus::block_on(async {
        let address = std::env::var("DBUS_SYSTEM_BUS_ADDRESS");
        let address = address.unwrap_or_else(|_| "unix:path=/run/dbus/system_bus_socket".to_owned());
        let bus = Builder::address(address.as_str()).build().await?;
        let (manager, properties) = ("org.freedesktop.systemd1", "org.freedesktop.DBus.Properties");
        let ask = |path: String| {
            let bus = &bus;
            async move { bus.call_method(Some(manager), path.as_str(), Some(properties), "GetAll", &("",)).await }
        };
        let mut answers = stream::iter(paths).map(ask).buffer_unordered(IN_FLIGHT);
        while let Some(answer) = answers.next().await {
            answer.context("the manager does not answer")?;
        }
        Ok(())
    })
}
