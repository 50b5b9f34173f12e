//! An expectation and, after a line `---`, the document that it is held against.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| labrunner_fuzz::bounded(|| labrunner::fuzzed::expectations(input)));
