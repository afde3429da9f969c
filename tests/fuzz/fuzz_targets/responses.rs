#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (tidemill_inputs::RESPONSES.run)(data));
