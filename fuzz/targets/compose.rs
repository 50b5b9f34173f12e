//! A learner's `compose.yaml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| labrunner_fuzz::bounded(|| labrunner::fuzzed::compose(input)));
