//! Kafka's protocol on the wire: framed requests, and a reader that trusts no length in an answer.
//!
//! Source of all layouts: the Kafka protocol guide (<https://kafka.apache.org/protocol>). Only versions without
//! tagged fields are spoken, except where an answer exists in no other form.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Largest answer that is read, in bytes. Nothing is allocated before it has arrived.
const LARGEST: usize = 64 << 20;

/// Why a broker could not be asked, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble(pub String);

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble(error.to_string())
    }
}

/// One request: which, in which version, with which body.
pub(super) struct Call {
    pub key: i16,
    pub version: i16,
    /// Header and answer carry tagged fields.
    pub flexible: bool,
    pub body: Writer,
}

/// What carries the protocol.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection to one broker.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    correlation: i32,
    /// (key, lowest, highest version) that the broker speaks.
    versions: Vec<(i16, i16, i16)>,
}

impl Connection {
    /// Connects and asks what the broker speaks.
    ///
    /// # Errors
    /// Nobody listens, or it is no Kafka broker.
    pub async fn open(address: SocketAddr) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::over(Box::new(stream)).await
    }

    /// Asks who is at the other end what it speaks.
    ///
    /// # Errors
    /// It is no Kafka broker.
    pub async fn over(stream: Box<dyn Stream>) -> Result<Self, Trouble> {
        let mut connection = Self { stream, correlation: 0, versions: vec![(18, 0, 0)] };
        let mut answer =
            connection.call(Call { key: 18, version: 0, flexible: false, body: Writer::default() }).await?;
        let error = answer.i16()?;
        if error != 0 {
            return Err(Trouble(format!("it refuses to name its versions: {}", error_word(error))));
        }
        connection.versions = answer.list(|answer| Ok((answer.i16()?, answer.i16()?, answer.i16()?)))?;
        Ok(connection)
    }

    /// Whether the broker knows the request.
    pub fn knows(&self, key: i16, version: i16) -> bool {
        self.versions.iter().any(|(known, low, high)| *known == key && (*low..=*high).contains(&version))
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The connection broke, or the answer is none.
    pub async fn call(&mut self, call: Call) -> Result<Reader, Trouble> {
        if !self.knows(call.key, call.version) {
            return Err(Trouble(format!("the broker does not know request {} in version {}", call.key, call.version)));
        }
        self.correlation += 1;
        let mut frame = Writer::default();
        frame.i16(call.key).i16(call.version).i32(self.correlation).text("labrunner");
        if call.flexible {
            frame.byte(0);
        }
        frame.0.extend(call.body.0);
        let length = i32::try_from(frame.0.len()).map_err(|_| Trouble("the request is too large".into()))?;
        self.stream.write_all(&length.to_be_bytes()).await?;
        self.stream.write_all(&frame.0).await?;
        let length = self.stream.read_i32().await.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Trouble("the broker closed the connection".into()),
            _ => error.into(),
        })?;
        let length = usize::try_from(length).ok().filter(|length| (4..=LARGEST).contains(length));
        let length = length.ok_or_else(|| Trouble("what it answers is not Kafka's protocol".into()))?;
        let mut bytes = Vec::new();
        let read = (&mut self.stream).take(length as u64).read_to_end(&mut bytes).await?;
        if read < length {
            return Err(Trouble("the broker closed the connection in the middle of an answer".into()));
        }
        let mut answer = Reader { bytes, at: 0 };
        if answer.i32()? != self.correlation {
            return Err(Trouble("it answers another request than the one that was sent".into()));
        }
        if call.flexible {
            answer.tags()?;
        }
        Ok(answer)
    }
}

/// The name of an error, for those that a lab can meet.
pub(super) fn error_word(code: i16) -> String {
    match code {
        1 => "OFFSET_OUT_OF_RANGE".into(),
        2 => "CORRUPT_MESSAGE".into(),
        3 => "UNKNOWN_TOPIC_OR_PARTITION".into(),
        5 => "LEADER_NOT_AVAILABLE".into(),
        6 => "NOT_LEADER_OR_FOLLOWER".into(),
        7 => "REQUEST_TIMED_OUT".into(),
        10 => "MESSAGE_TOO_LARGE".into(),
        14 => "COORDINATOR_LOAD_IN_PROGRESS".into(),
        15 => "COORDINATOR_NOT_AVAILABLE".into(),
        16 => "NOT_COORDINATOR".into(),
        17 => "INVALID_TOPIC_EXCEPTION".into(),
        19 => "NOT_ENOUGH_REPLICAS".into(),
        29 => "TOPIC_AUTHORIZATION_FAILED".into(),
        30 => "GROUP_AUTHORIZATION_FAILED".into(),
        69 => "GROUP_ID_NOT_FOUND".into(),
        87 => "INVALID_RECORD".into(),
        code => format!("error {code} of Kafka's protocol"),
    }
}

/// Writes a request's body.
#[derive(Debug, Default)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub fn i16(&mut self, value: i16) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// How many of something follow.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.i32(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// Names are short: what does not fit in 32767 bytes is cut, and no broker will know it.
    pub fn text(&mut self, text: &str) -> &mut Self {
        let bytes = &text.as_bytes()[..text.len().min(i16::MAX as usize)];
        self.i16(i16::try_from(bytes.len()).unwrap_or(i16::MAX));
        self.0.extend(bytes);
        self
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len());
        self.0.extend(bytes);
        self
    }
}

/// Reads an answer's body; every length is held against what is really there.
#[derive(Debug)]
pub(super) struct Reader {
    bytes: Vec<u8>,
    at: usize,
}

type Read<T> = Result<T, Trouble>;

impl Reader {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// What has not been read yet.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub fn take(&mut self, count: usize) -> Read<&[u8]> {
        if count > self.left() {
            return Err(Trouble("an answer is shorter than it says".into()));
        }
        self.at += count;
        Ok(&self.bytes[self.at - count..self.at])
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn byte(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn i16(&mut self) -> Read<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Read<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Read<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// `None` for a null text.
    pub fn optional_text(&mut self) -> Read<Option<String>> {
        let Ok(length) = usize::try_from(self.i16()?) else { return Ok(None) };
        Ok(Some(String::from_utf8_lossy(self.take(length)?).into_owned()))
    }

    pub fn text(&mut self) -> Read<String> {
        Ok(self.optional_text()?.unwrap_or_default())
    }

    /// Empty for null.
    pub fn bytes(&mut self) -> Read<Vec<u8>> {
        let Ok(length) = usize::try_from(self.i32()?) else { return Ok(Vec::new()) };
        Ok(self.take(length)?.to_vec())
    }

    /// A list; empty for null.
    pub fn list<T>(&mut self, item: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.i32()?;
        let mut list = Vec::new();
        for _ in 0..count.max(0) {
            // Not one item is of no bytes: a false count ends with the bytes.
            list.push(item(self)?);
        }
        Ok(list)
    }

    /// LEB128, as record fields and compact types use it.
    pub fn unsigned_varint(&mut self) -> Read<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Trouble("a number in an answer has no end".into()))
    }

    /// Zigzag-encoded.
    #[expect(clippy::cast_possible_wrap, reason = "zigzag: the halves are made to wrap")]
    pub fn varint(&mut self) -> Read<i64> {
        let raw = self.unsigned_varint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    /// A compact text (KIP-482); `None` for null.
    pub fn compact_text(&mut self) -> Read<Option<String>> {
        let Some(length) = self.unsigned_varint()?.checked_sub(1) else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Some(String::from_utf8_lossy(self.take(length)?).into_owned()))
    }

    /// A compact list (KIP-482); empty for null.
    pub fn compact_list<T>(&mut self, item: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.unsigned_varint()?.saturating_sub(1);
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(item(self)?);
        }
        Ok(list)
    }

    /// Tagged fields, which nothing here needs.
    pub fn tags(&mut self) -> Read<()> {
        for _ in 0..self.unsigned_varint()? {
            self.unsigned_varint()?;
            let length = usize::try_from(self.unsigned_varint()?).unwrap_or(usize::MAX);
            self.take(length)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_lie_are_refused_and_cost_nothing() {
        let huge = |bytes: &[u8]| Reader::new(bytes.to_vec());
        assert!(huge(&i32::MAX.to_be_bytes()).list(Reader::byte).is_err());
        assert!(huge(&[0x7f, 0xff, 1]).text().is_err());
        assert!(huge(&i32::MAX.to_be_bytes()).bytes().is_err());
        assert!(huge(&[0xff; 12]).unsigned_varint().is_err());
        assert!(huge(&[0xff, 0xff, 0xff, 0xff, 0x0f]).compact_list(Reader::byte).is_err());
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let mut reader = Reader::new(vec![0x96, 0x01, 0x03, 0x04]);
        assert_eq!(reader.unsigned_varint(), Ok(150));
        assert_eq!(reader.varint(), Ok(-2));
        assert_eq!(reader.varint(), Ok(2));
    }
}
