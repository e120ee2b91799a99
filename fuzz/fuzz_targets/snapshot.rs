#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| emulator::fuzzing::snapshot(data));
