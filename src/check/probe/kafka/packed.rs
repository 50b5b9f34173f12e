//! The codecs of record batches, each of which can make much of little.

use std::io::Read as _;

use super::wire::{Reader, Trouble};

/// Largest batch after decompression, in bytes: eight times what a broker takes unless told (`message.max.bytes`).
pub(super) const LARGEST: u64 = 8 << 20;

/// By the codec in a batch's attributes.
pub(super) fn decompress(codec: i16, bytes: &[u8]) -> Result<Vec<u8>, Trouble> {
    let zstd = |error| Trouble(format!("records do not decompress with zstd: {error}"));
    match codec {
        0 => Ok(bytes.to_vec()),
        1 => unpack("gzip", flate2::read::GzDecoder::new(bytes)),
        2 => snappy(bytes),
        3 => unpack("lz4", lz4_flex::frame::FrameDecoder::new(bytes)),
        4 => unpack("zstd", ruzstd::decoding::StreamingDecoder::new(bytes).map_err(zstd)?),
        other => Err(Trouble(format!("records are compressed in an unknown way ({other})"))),
    }
}

fn unpack(codec: &str, packed: impl std::io::Read) -> Result<Vec<u8>, Trouble> {
    let mut plain = Vec::new();
    let read = packed.take(LARGEST + 1).read_to_end(&mut plain);
    read.map_err(|error| Trouble(format!("records do not decompress with {codec}: {error}")))?;
    fits(plain.len() as u64)?;
    Ok(plain)
}

fn fits(size: u64) -> Result<(), Trouble> {
    if size > LARGEST {
        return Err(Trouble(format!("a batch of records decompresses to more than {} MiB", LARGEST >> 20)));
    }
    Ok(())
}

/// Snappy, plain or in the frames of Java's library, which Kafka's own clients write.
fn snappy(bytes: &[u8]) -> Result<Vec<u8>, Trouble> {
    const MAGIC: &[u8] = b"\x82SNAPPY\0";
    let failed = |error: snap::Error| Trouble(format!("records do not decompress with snappy: {error}"));
    let whole = |bytes: &[u8]| {
        // So much is allocated before anything is decompressed.
        fits(snap::raw::decompress_len(bytes).map_err(failed)? as u64)?;
        snap::raw::Decoder::new().decompress_vec(bytes).map_err(failed)
    };
    if !bytes.starts_with(MAGIC) {
        return whole(bytes);
    }
    let mut reader = Reader::new(bytes.to_vec());
    // Magic, version, compatible version.
    reader.take(16)?;
    let mut plain = Vec::new();
    while reader.left() > 0 {
        plain.extend(whole(&reader.bytes()?)?);
        fits(plain.len() as u64)?;
    }
    Ok(plain)
}
