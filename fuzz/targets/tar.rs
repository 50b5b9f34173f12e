//! An archive: of an image, of a volume, of a saved workspace.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| labrunner_fuzz::bounded(|| labrunner::fuzzed::tar(input)));
