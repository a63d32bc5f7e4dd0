#![no_main]

use systemd_harden_fuzz::properties::snippets::holds;

libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));
