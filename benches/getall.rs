//! The least that a question to the manager about units takes: `getall UNIT...` asks for the properties of each as the
//! program does, the same way and as many at a time, and looks at no answer. `benches/compare` times it beside `score`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, stream};
use systemd_harden::bus::{Address, IN_FLIGHT, unit_path};

fn main() -> Result<()> {
    let paths: Vec<String> = std::env::args().skip(1).map(|unit| unit_path(&unit)).collect();
    zbus::block_on(async {
        let connection = Address::System.open(Duration::from_secs(10)).await?;
        let (manager, properties) = ("org.freedesktop.systemd1", "org.freedesktop.DBus.Properties");
        let ask = |path: String| {
            let connection = &connection;
            async move {
                connection.call_method(Some(manager), path.as_str(), Some(properties), "GetAll", &("",)).await
            }
        };
        let mut answers = stream::iter(paths).map(ask).buffer_unordered(IN_FLIGHT);
        while let Some(answer) = answers.next().await {
            answer.context("the manager does not answer")?;
        }
        Ok(())
    })
}
