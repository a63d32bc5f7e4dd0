//! How the released program is linked where the C compiler has what that takes: with the C library inside, still at a
//! place that is another at each start, and without tables for unwinding. Half of what a short run costs was finding,
//! mapping and binding shared libraries; and a program that aborts on a panic never unwinds.
//!
//! The functions that short runs use stand side by side there.
//!
//! `--no-default-features` leaves it to the linker's ways, for distributions that want the C library shared.
//!
//! Also made here: the JSON Schema of manifests in one line, as the program holds it.

use std::env;
use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the linker finds in place of shared libraries, by the name that it asks for and the one that the compiler knows
/// the archive under.
const ARCHIVES: [(&str, &str); 9] = [
    ("libc.a", "libc.a"),
    ("libm.a", "libm.a"),
    ("libdl.a", "libdl.a"),
    ("librt.a", "librt.a"),
    ("libutil.a", "libutil.a"),
    ("libpthread.a", "libpthread.a"),
    ("libgcc.a", "libgcc.a"),
    ("libgcc_eh.a", "libgcc_eh.a"),
    ("libgcc_s.a", "libgcc_eh.a"),
];

/// Read beside the linker's own script. A panic tells where it was and aborts; whoever asked for the calls that led
/// there, by RUST_BACKTRACE, has none, and nothing else may ask for them: the unwinder aborts where it finds nothing.
const WITHOUT_UNWINDING: &str =
    "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) } } INSERT AFTER .text;\n";

/// Which functions stand side by side: a fifth of what a short run costs was mapping pages of the program here and there.
const FIRST: &str = include_str!("src/first.ld");

/// One body for functions that come to the same instructions: a tenth of the program. Not every linker knows it.
const FOLDED: &str = "-Wl,--icf=all";

/// Names of hosts, users and groups by the host's own modules (nsswitch.conf(5)): a C library that is inside a program
/// would load those of whatever release it meets. Nothing here asks for such names but by files of a root; the library
/// for D-Bus could, for a bus on another host. Whoever does is told that there is none.
const NAMELESS: &str = "
struct addrinfo;
struct passwd;
int getaddrinfo(const char *n, const char *s, const struct addrinfo *h, struct addrinfo **r) { return -4; }
void freeaddrinfo(struct addrinfo *r) {}
const char *gai_strerror(int e) { return \"this program looks up no names of hosts\"; }
int getpwuid_r(unsigned u, struct passwd *p, char *b, unsigned long n, struct passwd **r) { *r = 0; return 0; }
int getgrouplist(const char *u, unsigned g, unsigned *l, int *n) { return -1; }
";

/// The JSON Schema of manifests, as it is shipped beside the program: for people to read, in twice as many bytes.
const SCHEMA: &str = "src/manifest/schema.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={SCHEMA}");
    println!("cargo:rerun-if-changed=src/first.ld");
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    let schema: serde_json::Value = serde_json::from_slice(&fs::read(SCHEMA)?)?;
    fs::write(folder.join("schema.json"), schema.to_string())?;
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    let is_native = env::var_os("HOST") == env::var_os("TARGET");
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let is_wanted = env::var_os("CARGO_FEATURE_STATIC").is_some() && is("PROFILE", "release");
    if !is_native || !is_gnu || !is_wanted {
        return Ok(());
    }
    let mut arguments = whole(&folder)?;
    arguments.push(FOLDED.to_owned());
    if !links(&folder, &arguments)? {
        arguments.pop();
    }
    if links(&folder, &arguments)? {
        for argument in arguments {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
    Ok(())
}

/// What the linker is told. What that speaks of is put into `folder`.
fn whole(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    for (link, name) in ARCHIVES {
        let link = folder.join(link);
        if fs::symlink_metadata(&link).is_ok() {
            fs::remove_file(&link)?;
        }
        match known(name) {
            // The linker takes the first that has a name: ours before those of the archive.
            Some(archive) if name == "libc.a" => {
                let nameless = nameless(folder)?;
                fs::write(link, format!("INPUT ( {} {} )\n", nameless.display(), archive.display()))?;
            }
            Some(archive) => symlink(archive, link)?,
            None => {}
        }
    }
    let script = folder.join("sections.ld");
    fs::write(&script, [WITHOUT_UNWINDING, FIRST].concat())?;
    Ok(vec![
        "-static-pie".to_owned(),
        format!("-L{}", folder.display()),
        format!("-Wl,-T,{}", script.display()),
        // Relocations of a few bits each.
        "-Wl,-z,pack-relative-relocs".to_owned(),
        // The archives once more, for linkers that go through them in one direction.
        "-Wl,--start-group,-lc,-lgcc,-lgcc_eh,--end-group".to_owned(),
    ])
}

/// The archive of [`NAMELESS`], made in `folder`.
fn nameless(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let [source, object, archive] = ["c", "o", "a"].map(|ending| folder.join(format!("nameless.{ending}")));
    fs::write(&source, NAMELESS)?;
    Command::new("cc").args(["-Os", "-fPIE", "-c", "-o"]).arg(&object).arg(&source).status()?;
    Command::new("ar").arg("rcs").arg(&archive).arg(&object).status()?;
    Ok(archive)
}

/// Whether a program that is linked so starts and ends well.
fn links(folder: &Path, arguments: &[String]) -> Result<bool, Box<dyn Error>> {
    let (source, program) = (folder.join("trial.rs"), folder.join("trial"));
    fs::write(&source, "fn main() { println!(\"{}\", std::process::id()); }\n")?;
    let mut compiler = Command::new(env::var_os("RUSTC").ok_or("cargo names no compiler")?);
    compiler.args(["--edition=2024", "-Cpanic=abort", "-o"]).arg(&program).arg(source);
    if let Ok(flags) = env::var("CARGO_ENCODED_RUSTFLAGS") {
        compiler.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        compiler.arg(format!("-Clinker={linker}"));
    }
    compiler.args(arguments.iter().map(|argument| format!("-Clink-arg={argument}")));
    let is_linked = compiler.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success();
    Ok(is_linked && Command::new(program).stdout(Stdio::null()).status().is_ok_and(|status| status.success()))
}

/// Where the C compiler has a file that it links with.
fn known(name: &str) -> Option<PathBuf> {
    let asked = Command::new("cc").arg(format!("-print-file-name={name}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    // A compiler that has none says the name alone.
    path.is_absolute().then_some(path)
}
