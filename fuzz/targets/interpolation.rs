//! Compose's `${…}` and the expressions of checks.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| labrunner_fuzz::bounded(|| labrunner::fuzzed::interpolation(input)));
