#![no_main]

use systemd_harden_fuzz::properties::program::holds;

libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));
