//! Archives of the engine and of containers, which may be anything. Built for the fuzz targets alone.

/// An image's export, and files that a container sends back.
pub fn archives(input: &[u8]) {
    super::layers::fuzzed(input);
    super::carry::fuzzed(input);
}
