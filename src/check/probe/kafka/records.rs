//! Record batches (magic 2): one record written, any number read; and the partition that a key goes to.

use super::packed::decompress;
use super::wire::{Reader, Trouble, Writer};

/// Most memory, in bytes, that the records of one answer may take.
const MOST: usize = 16 << 20;
/// Of a batch: from its base offset up to where its length ends.
const BEFORE_LENGTH_ENDS: usize = 12;

/// One record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub offset: i64,
    /// Milliseconds of the Unix epoch.
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

/// A batch that holds one record, uncompressed.
pub(super) fn encode(record: &Record) -> Vec<u8> {
    let mut body = Vec::new();
    body.push(0);
    varint(&mut body, 0);
    varint(&mut body, 0);
    for part in [&record.key, &record.value] {
        match part {
            Some(bytes) => sized(&mut body, bytes),
            None => varint(&mut body, -1),
        }
    }
    varint(&mut body, length(&record.headers));
    for (name, value) in &record.headers {
        sized(&mut body, name.as_bytes());
        sized(&mut body, value);
    }
    let mut records = Vec::new();
    sized(&mut records, &body);
    let mut checked = Writer::default();
    // Attributes, last offset's delta, first and last time, no idempotent producer, one record.
    checked.i16(0).i32(0).i64(record.timestamp).i64(record.timestamp).i64(-1).i16(-1).i32(-1).i32(1);
    checked.0.extend(records);
    let crc = crc32c::crc32c(&checked.0);
    let mut batch = Writer::default();
    // The length counts the leader's epoch (4), the magic byte and the checksum (4) too.
    batch.i64(0).count(checked.0.len() + 9).i32(-1).byte(2);
    batch.0.extend(crc.to_be_bytes());
    batch.0.extend(checked.0);
    batch.0
}

fn length<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

fn sized(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, length(bytes));
    out.extend(bytes);
}

#[expect(clippy::cast_sign_loss, reason = "zigzag: the halves are made to wrap")]
fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// The records of a fetch answer from offset `from` on. A broker may cut the last batch anywhere: what is cut is left
/// out, and so is what would take too much memory; whoever asks again from there gets it.
///
/// # Errors
/// A batch is of another format or does not decompress.
pub(super) fn decode(bytes: Vec<u8>, from: i64) -> Result<Vec<Record>, Trouble> {
    let mut reader = Reader::new(bytes);
    let mut records = Vec::new();
    let mut held = 0;
    while reader.left() > BEFORE_LENGTH_ENDS {
        let base = reader.i64()?;
        let length = usize::try_from(reader.i32()?).map_err(|_| Trouble("a batch of records has no length".into()))?;
        if length > reader.left() {
            break;
        }
        let mut batch = Reader::new(reader.take(length)?.to_vec());
        batch.i32()?;
        if batch.byte()? != 2 {
            return Err(Trouble("records are stored in a format from before Kafka 0.11".into()));
        }
        batch.i32()?;
        let attributes = batch.i16()?;
        batch.i32()?;
        let first_time = batch.i64()?;
        // Last time, producer, its epoch, first sequence.
        batch.take(8 + 8 + 2 + 4)?;
        let count = batch.i32()?;
        // Transaction markers are not for consumers.
        if attributes & 0x20 != 0 {
            continue;
        }
        let rest = batch.left();
        let mut inner = Reader::new(decompress(attributes & 0x07, batch.take(rest)?)?);
        for _ in 0..count {
            let (record, size) = one(&mut inner, base, first_time)?;
            if record.offset < from {
                continue;
            }
            held += size;
            if held > MOST && !records.is_empty() {
                return Ok(records);
            }
            records.push(record);
        }
    }
    Ok(records)
}

/// A record, and the memory that it takes in bytes: a few bytes of an answer can be many records, and a record many
/// headers.
fn one(reader: &mut Reader, base: i64, first_time: i64) -> Result<(Record, usize), Trouble> {
    let length = usize::try_from(reader.varint()?).map_err(|_| Trouble("a record has no length".into()))?;
    let mut reader = Reader::new(reader.take(length)?.to_vec());
    // Twice, because a list that grows is there twice.
    let mut size = length + 2 * size_of::<Record>();
    reader.byte()?;
    let timestamp = first_time.saturating_add(reader.varint()?);
    let offset = base.saturating_add(reader.varint()?);
    let (key, value) = (part(&mut reader)?, part(&mut reader)?);
    let mut headers = Vec::new();
    for _ in 0..reader.varint()? {
        size += 2 * size_of::<(String, Vec<u8>)>();
        if size > MOST {
            return Err(Trouble(format!("the headers of one record take more than {} MiB", MOST >> 20)));
        }
        let name = part(&mut reader)?.unwrap_or_default();
        let value = part(&mut reader)?.unwrap_or_default();
        headers.push((String::from_utf8_lossy(&name).into_owned(), value));
    }
    Ok((Record { offset, timestamp, key, value, headers }, size))
}

fn part(reader: &mut Reader) -> Result<Option<Vec<u8>>, Trouble> {
    let Ok(length) = usize::try_from(reader.varint()?) else { return Ok(None) };
    Ok(Some(reader.take(length)?.to_vec()))
}

/// The partition that Kafka's own clients choose for a key: murmur2 (`org.apache.kafka.common.utils.Utils`).
pub(super) fn partition_of(key: &[u8], partitions: i32) -> i32 {
    let hash = (murmur2(key) & 0x7fff_ffff) % partitions.max(1).unsigned_abs();
    i32::try_from(hash).unwrap_or(0)
}

fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ bytes.len() as u32;
    let mut chunks = bytes.chunks_exact(4);
    for chunk in &mut chunks {
        let mut part = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        part ^= part >> 24;
        hash = hash.wrapping_mul(M) ^ part.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let part = rest.iter().rev().fold(0_u32, |part, byte| part << 8 | u32::from(*byte));
        hash = (hash ^ part).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let headers = vec![("type".to_owned(), b"order.created".to_vec())];
        Record { offset: 0, timestamp: 1_700_000_000_000, key: Some(b"c1".to_vec()), value: None, headers }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        assert_eq!(decode(encode(&record()), 0), Ok(vec![record()]));
    }

    #[test]
    fn a_batch_that_is_cut_is_left_out() {
        let mut bytes = encode(&record());
        let whole = bytes.clone();
        bytes.extend(&whole[..whole.len() - 3]);
        assert_eq!(decode(bytes, 0).map(|records| records.len()), Ok(1));
    }

    /// A batch of one record, whose content is replaced and said to be packed by `codec`.
    fn packed(codec: u8, content: &[u8], count: i32) -> Vec<u8> {
        let mut bytes = encode(&record());
        // Attributes at 21 and 22, number of records at 57, then they.
        bytes[22] = codec;
        bytes.truncate(57);
        bytes.extend(count.to_be_bytes());
        bytes.extend(content);
        let length = i32::try_from(bytes.len() - BEFORE_LENGTH_ENDS).unwrap();
        bytes[8..BEFORE_LENGTH_ENDS].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, content).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_small_answer_does_not_become_a_large_one() {
        let more = super::super::packed::LARGEST + 1;
        let trouble = |bytes| decode(bytes, 0).unwrap_err().0;
        // Snappy says first how much it will be.
        let mut length = Vec::new();
        let mut rest = more;
        while rest >= 0x80 {
            length.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        length.push(rest as u8);
        assert!(trouble(packed(2, &length, 1)).contains("more than 8 MiB"));
        assert!(trouble(packed(1, &gzip(&vec![0; usize::try_from(more).unwrap()]), 1)).contains("more than 8 MiB"));
        // A record of headers without name and value.
        let mut headers = vec![0, 0, 0, 1, 1];
        varint(&mut headers, 1_000_000);
        headers.extend(std::iter::repeat_n(0, 2_000_000));
        let mut record = Vec::new();
        sized(&mut record, &headers);
        assert!(trouble(packed(1, &gzip(&record), 1)).contains("headers of one record"));
    }

    #[test]
    fn many_short_records_are_read_in_parts() {
        const ALL: i64 = 200_000;
        let mut records = Vec::new();
        for number in 0..ALL {
            let mut record = vec![0, 0];
            varint(&mut record, number);
            // No key, no value, no headers.
            record.extend([1, 1, 0]);
            sized(&mut records, &record);
        }
        let answer = packed(1, &gzip(&records), i32::try_from(ALL).unwrap());
        let (mut next, mut parts) = (0, 0);
        while next < ALL {
            let part = decode(answer.clone(), next).unwrap();
            let offsets: Vec<i64> = part.iter().map(|record| record.offset).collect();
            let end = next + length(&part);
            assert_eq!(offsets, (next..end).collect::<Vec<_>>());
            assert!(end > next, "an answer brings something, or nobody ever gets to the end");
            (next, parts) = (end, parts + 1);
        }
        assert!((2..10).contains(&parts), "{parts}");
    }

    #[test]
    fn keys_go_where_kafkas_clients_put_them() {
        // Values that the Java client's own tests state.
        for (text, hash) in [("21", -973_932_308_i32), ("foobar", -790_332_482), ("abc", 479_470_107)] {
            assert_eq!(murmur2(text.as_bytes()), hash as u32, "{text}");
        }
        assert_eq!(murmur2(b"a-little-bit-longer-string"), -1_486_304_829_i32 as u32);
        assert!((0..3).contains(&partition_of(b"customer-7", 3)));
    }
}
