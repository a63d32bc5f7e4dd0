//! Links the unwinder of the C compiler into the program where that has it as an archive. The program aborts on a panic
//! and needs it for a backtrace at most; the shared library would be found, mapped and bound at every start.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    let is_native = env::var_os("HOST") == env::var_os("TARGET");
    if !is_native || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    let asked = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    let archive = asked.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    // A compiler that has none says the name alone.
    if Path::new(archive.trim()).is_absolute() {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}
