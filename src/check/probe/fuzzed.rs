//! What services answer, read from bytes that may be anything. Built for the fuzz targets (`fuzz/`) alone.

/// An answer of a Kafka broker; the first byte chooses the request.
pub fn kafka(input: &[u8]) {
    super::kafka::fuzzed::answer(input);
}

/// A table of AMQP headers.
pub fn amqp(input: &[u8]) {
    super::amqp::answer(input);
}
