//! A `.dockerignore`, and after an empty line the paths that it is asked about.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| labrunner_fuzz::bounded(|| labrunner::fuzzed::dockerignore(input)));
