//! The requests that `kafka` steps make, and their answers.

use super::wire::{Call, Connection, Reader, Trouble, Writer};

/// A broker as the cluster advertises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broker {
    pub node: i32,
    pub host: String,
    pub port: i32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    pub error: i16,
    pub name: String,
    pub internal: bool,
    pub partitions: Vec<Partition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    pub index: i32,
    pub leader: i32,
    pub replicas: Vec<i32>,
    pub in_sync: Vec<i32>,
}

fn call(key: i16, version: i16, body: Writer) -> Call {
    Call { key, version, flexible: false, body }
}

/// Metadata (3), version 5: brokers and topics, all or one; asking creates none.
pub(super) async fn metadata(
    connection: &mut Connection,
    topic: Option<&str>,
) -> Result<(Vec<Broker>, Vec<Topic>), Trouble> {
    let mut body = Writer::default();
    match topic {
        Some(name) => body.count(1).text(name),
        None => body.i32(-1),
    };
    body.byte(0);
    let mut answer = connection.call(call(3, 5, body)).await?;
    answer.i32()?;
    let brokers = answer.list(|answer| {
        let broker = Broker { node: answer.i32()?, host: answer.text()?, port: answer.i32()? };
        answer.optional_text()?;
        Ok(broker)
    })?;
    answer.optional_text()?;
    answer.i32()?;
    let topics = answer.list(|answer| {
        Ok(Topic {
            error: answer.i16()?,
            name: answer.text()?,
            internal: answer.byte()? != 0,
            partitions: answer.list(partition)?,
        })
    })?;
    Ok((brokers, topics))
}

fn partition(answer: &mut Reader) -> Result<Partition, Trouble> {
    answer.i16()?;
    let partition = Partition {
        index: answer.i32()?,
        leader: answer.i32()?,
        replicas: answer.list(Reader::i32)?,
        in_sync: answer.list(Reader::i32)?,
    };
    answer.list(Reader::i32)?;
    Ok(partition)
}

/// What ListOffsets is asked for instead of a time.
pub(super) const END: i64 = -1;
pub(super) const START: i64 = -2;

/// ListOffsets (2), version 2: (partition, error, offset).
pub(super) async fn offsets(
    connection: &mut Connection,
    topic: &str,
    partitions: &[i32],
    time: i64,
) -> Result<Vec<(i32, i16, i64)>, Trouble> {
    let mut body = Writer::default();
    body.i32(-1).byte(0).count(1).text(topic).count(partitions.len());
    for partition in partitions {
        body.i32(*partition).i64(time);
    }
    let mut answer = connection.call(call(2, 2, body)).await?;
    answer.i32()?;
    let topics = answer.list(|answer| {
        answer.text()?;
        answer.list(|answer| {
            let (partition, error) = (answer.i32()?, answer.i16()?);
            answer.i64()?;
            Ok((partition, error, answer.i64()?))
        })
    })?;
    Ok(topics.into_iter().flatten().collect())
}

/// FindCoordinator (10), version 1: the broker that keeps a group, or an error's code.
pub(super) async fn coordinator(connection: &mut Connection, group: &str) -> Result<Result<Broker, i16>, Trouble> {
    let mut body = Writer::default();
    body.text(group).byte(0);
    let mut answer = connection.call(call(10, 1, body)).await?;
    answer.i32()?;
    let error = answer.i16()?;
    answer.optional_text()?;
    let broker = Broker { node: answer.i32()?, host: answer.text()?, port: answer.i32()? };
    Ok(if error == 0 { Ok(broker) } else { Err(error) })
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub error: i16,
    pub state: String,
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Member {
    pub id: String,
    pub client: String,
    pub host: String,
    /// (topic, partitions)
    pub assigned: Vec<(String, Vec<i32>)>,
}

/// DescribeGroups (15), version 1: a group whose members share the partitions among themselves.
pub(super) async fn classic_group(connection: &mut Connection, name: &str) -> Result<Group, Trouble> {
    let mut body = Writer::default();
    body.count(1).text(name);
    let mut answer = connection.call(call(15, 1, body)).await?;
    answer.i32()?;
    let mut groups = answer.list(|answer| {
        let error = answer.i16()?;
        answer.text()?;
        let state = answer.text()?;
        answer.text()?;
        answer.text()?;
        let members = answer.list(|answer| {
            let (id, client, host) = (answer.text()?, answer.text()?, answer.text()?);
            answer.bytes()?;
            let assigned = assignment(answer.bytes()?)?;
            Ok(Member { id, client, host, assigned })
        })?;
        Ok(Group { error, state, members })
    })?;
    groups.pop().ok_or_else(|| Trouble("the broker describes no group".into()))
}

/// ConsumerProtocolAssignment, which members of a classic group hand out among themselves.
fn assignment(bytes: Vec<u8>) -> Result<Vec<(String, Vec<i32>)>, Trouble> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(bytes);
    reader.i16()?;
    reader.list(|reader| Ok((reader.text()?, reader.list(Reader::i32)?)))
}

const CONSUMER_GROUP_DESCRIBE: i16 = 69;

/// ConsumerGroupDescribe (69), version 0: a group whose partitions the broker hands out (KIP-848). `None` when the
/// broker has no such groups.
pub(super) async fn consumer_group(connection: &mut Connection, name: &str) -> Result<Option<Group>, Trouble> {
    if !connection.knows(CONSUMER_GROUP_DESCRIBE, 0) {
        return Ok(None);
    }
    let mut body = Writer::default();
    // A compact list of one compact text, a flag, no tagged fields.
    let length = u8::try_from(name.len() + 1).ok().filter(|length| *length < 0x80);
    let Some(length) = length else { return Ok(None) };
    body.byte(2).byte(length);
    body.0.extend(name.as_bytes());
    body.byte(0).byte(0);
    let request = Call { key: CONSUMER_GROUP_DESCRIBE, version: 0, flexible: true, body };
    read_consumer_group(&mut connection.call(request).await?).map(Some)
}

fn read_consumer_group(answer: &mut Reader) -> Result<Group, Trouble> {
    answer.i32()?;
    let mut groups = answer.compact_list(|answer| {
        let error = answer.i16()?;
        answer.compact_text()?;
        answer.compact_text()?;
        let state = answer.compact_text()?.unwrap_or_default();
        answer.i32()?;
        answer.i32()?;
        answer.compact_text()?;
        let members = answer.compact_list(consumer)?;
        answer.i32()?;
        answer.tags()?;
        Ok(Group { error, state, members })
    })?;
    groups.pop().ok_or_else(|| Trouble("the broker describes no group".into()))
}

fn consumer(answer: &mut Reader) -> Result<Member, Trouble> {
    let id = answer.compact_text()?.unwrap_or_default();
    answer.compact_text()?;
    answer.compact_text()?;
    answer.i32()?;
    let client = answer.compact_text()?.unwrap_or_default();
    let host = answer.compact_text()?.unwrap_or_default();
    answer.compact_list(Reader::compact_text)?;
    answer.compact_text()?;
    let assigned = handed_out(answer)?;
    handed_out(answer)?;
    answer.tags()?;
    Ok(Member { id, client, host, assigned })
}

fn handed_out(answer: &mut Reader) -> Result<Vec<(String, Vec<i32>)>, Trouble> {
    let assigned = answer.compact_list(|answer| {
        answer.take(16)?;
        let topic = answer.compact_text()?.unwrap_or_default();
        let partitions = answer.compact_list(Reader::i32)?;
        answer.tags()?;
        Ok((topic, partitions))
    })?;
    answer.tags()?;
    Ok(assigned)
}

/// OffsetFetch (9), version 3: what a group has committed, as (topic, partition, offset). Asked by name: tansu
/// answers the request for all topics with a list that it leaves out.
pub(super) async fn committed(
    connection: &mut Connection,
    group: &str,
    topics: &[Topic],
) -> Result<Vec<(String, i32, i64)>, Trouble> {
    let mut body = Writer::default();
    body.text(group).count(topics.len());
    for topic in topics {
        body.text(&topic.name).count(topic.partitions.len());
        topic.partitions.iter().for_each(|partition| {
            body.i32(partition.index);
        });
    }
    let mut answer = connection.call(call(9, 3, body)).await?;
    answer.i32()?;
    let topics = answer.list(|answer| {
        let topic = answer.text()?;
        answer.list(|answer| {
            let (partition, offset) = (answer.i32()?, answer.i64()?);
            answer.optional_text()?;
            answer.i16()?;
            Ok((topic.clone(), partition, offset))
        })
    })?;
    Ok(topics.into_iter().flatten().filter(|(.., offset)| *offset >= 0).collect())
}

/// Fetch (1), version 4: from one partition; the error's code, the end of the log, and encoded batches.
pub(super) async fn fetch(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<(i16, Vec<u8>), Trouble> {
    const MOST: i32 = 8 << 20;
    let mut body = Writer::default();
    body.i32(-1).i32(500).i32(1).i32(MOST).byte(0).count(1).text(topic).count(1);
    body.i32(partition).i64(offset).i32(MOST);
    let mut answer = connection.call(call(1, 4, body)).await?;
    answer.i32()?;
    let topics = answer.list(|answer| {
        answer.text()?;
        answer.list(|answer| {
            answer.i32()?;
            let error = answer.i16()?;
            answer.i64()?;
            answer.i64()?;
            answer.list(|answer| {
                answer.i64()?;
                answer.i64()
            })?;
            Ok((error, answer.bytes()?))
        })
    })?;
    topics.into_iter().flatten().next().ok_or_else(|| Trouble("the broker fetches nothing".into()))
}

/// Produce (0), version 3, acknowledged by all replicas in sync: the error's code and the record's offset.
pub(super) async fn produce(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
    batch: &[u8],
) -> Result<(i16, i64), Trouble> {
    let mut body = Writer::default();
    body.i16(-1).i16(-1).i32(10_000).count(1).text(topic).count(1).i32(partition).bytes(batch);
    let mut answer = connection.call(call(0, 3, body)).await?;
    let topics = answer.list(|answer| {
        answer.text()?;
        answer.list(|answer| {
            answer.i32()?;
            let (error, offset) = (answer.i16()?, answer.i64()?);
            answer.i64()?;
            Ok((error, offset))
        })
    })?;
    topics.into_iter().flatten().next().ok_or_else(|| Trouble("the broker acknowledges nothing".into()))
}

/// DescribeConfigs (32), version 1, of a topic: (name, value). `None` when the broker cannot tell.
pub(super) async fn configs(
    connection: &mut Connection,
    topic: &str,
) -> Result<Option<Vec<(String, Option<String>)>>, Trouble> {
    if !connection.knows(32, 1) {
        return Ok(None);
    }
    let mut body = Writer::default();
    body.count(1).byte(2).text(topic).i32(-1).byte(0);
    let mut answer = connection.call(call(32, 1, body)).await?;
    answer.i32()?;
    let results = answer.list(|answer| {
        let error = answer.i16()?;
        answer.optional_text()?;
        answer.byte()?;
        answer.text()?;
        let configs = answer.list(|answer| {
            let config = (answer.text()?, answer.optional_text()?);
            answer.take(3)?;
            answer.list(|answer| {
                answer.text()?;
                answer.optional_text()?;
                answer.byte()
            })?;
            Ok(config)
        })?;
        Ok((error, configs))
    })?;
    Ok(results.into_iter().next().filter(|(error, _)| *error == 0).map(|(_, configs)| configs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_kip_848_is_read() {
        let text = |text: &str| [&[text.len() as u8 + 1], text.as_bytes()].concat();
        let handed = [&[2][..], &[0; 16], &text("orders"), &[3, 0, 0, 0, 0, 0, 0, 0, 2], &[0], &[0]].concat();
        let bytes = [
            &[0, 0, 0, 0, 2, 0, 0, 0][..],
            &text("projector"),
            &text("Stable"),
            &[0; 8],
            &text("uniform"),
            &[2],
            &text("m-1"),
            &[0, 0],
            &[0, 0, 0, 1],
            &text("rdkafka"),
            &text("/10.0.0.2"),
            &[2],
            &text("orders"),
            &[0],
            &handed,
            &handed,
            &[0],
            &[0; 4],
            &[0],
        ]
        .concat();
        let group = read_consumer_group(&mut Reader::new(bytes)).unwrap();
        assert_eq!(group.state, "Stable");
        assert_eq!(group.members.len(), 1);
        assert_eq!(group.members[0].assigned, [("orders".to_owned(), vec![0, 2])]);
    }

    #[test]
    fn an_assignment_is_read() {
        let bytes = [&[0, 1, 0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2][..], &[0, 0, 0, 0]].concat();
        assert_eq!(assignment(bytes), Ok(vec![("a".to_owned(), vec![2])]));
        assert_eq!(assignment(Vec::new()), Ok(Vec::new()));
    }
}
