//! What a Kafka broker answers: the first byte chooses the request.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| labrunner_fuzz::bounded(|| labrunner::fuzzed::kafka(input)));
