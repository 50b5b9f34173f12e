//! A table of AMQP headers, and the text of a message.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| labrunner_fuzz::bounded(|| labrunner::fuzzed::amqp(input)));
