#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| refrain_agreement::targets::receiving(input));
