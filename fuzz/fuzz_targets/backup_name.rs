#![no_main]

#[allow(dead_code)] // Each target uses one of them.
#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::backup_name(data));
