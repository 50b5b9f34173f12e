//! `kafka`: topics, groups and records of a broker that speaks Kafka's protocol.
//!
//! Brokers are reached where the lab reaches its services, whatever address they advertise: a name that only
//! resolves inside the lab's network is no obstacle.

#[cfg(fuzzing)]
pub(super) mod fuzzed;
mod messages;
mod packed;
mod records;
mod wire;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::messages::{Broker, END, Group, Member, START, Topic};
use self::records::Record;
use self::wire::{Connection, Trouble, error_word};
use super::{Fields, fitting, repository, wrong};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::stack::Service;
use crate::lab::{Kind, ServiceName};

const PORT: u16 = 9092;
/// Most records that one `consume` reads, where the step sets no other bound.
const MOST_RECORDS: i64 = 10_000;
const UNKNOWN_TOPIC: i16 = 3;
const GROUP_NOT_FOUND: i16 = 69;

/// Whether a service is a Kafka broker.
pub(super) fn fits(service: &Service) -> bool {
    matches!(repository(service), "kafka" | "cp-kafka" | "tansu" | "redpanda")
}

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fitting(Kind::Kafka, fields, world)?;
    let port = fields.number("port")?.map_or(Ok(PORT), |port| {
        u16::try_from(port).map_err(|_| Unobservable::Definition(format!("`port` cannot be {port}")))
    })?;
    let mut cluster = Cluster { world, service: service.clone(), port, brokers: Vec::new(), open: BTreeMap::new() };
    let asked = cluster.ask(fields).await;
    asked.map_err(|failure| match failure {
        Failure::Step(problem) => problem,
        Failure::Broker(Trouble(what)) => {
            Unobservable::Service { service, what: format!("Kafka does not answer: {what}") }
        }
    })
}

enum Failure {
    Broker(Trouble),
    Step(Unobservable),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Failure::Broker(trouble)
    }
}

impl From<Unobservable> for Failure {
    fn from(problem: Unobservable) -> Self {
        Failure::Step(problem)
    }
}

/// What the broker refuses is an answer.
fn refused(code: i16) -> Observation {
    Observation::new(json!({ "error": error_word(code) }), Value::Null)
}

struct Cluster<'w, W: World> {
    world: &'w W,
    /// The service that is asked first.
    service: ServiceName,
    port: u16,
    brokers: Vec<Broker>,
    /// By service and port.
    open: BTreeMap<(ServiceName, u16), Connection>,
}

impl<W: World> Cluster<'_, W> {
    async fn ask(&mut self, fields: &Fields<'_>) -> Result<Observation, Failure> {
        if fields.get("topics").is_some() {
            return self.topics().await;
        }
        if let Some(topic) = fields.text("topic")? {
            return self.topic(&topic).await;
        }
        if let Some(group) = fields.text("group")? {
            return self.group(&group, fields.flag("members", false)?).await;
        }
        match (fields.get("produce"), fields.get("consume")) {
            (Some(message), _) => self.produce(&Fields(message)).await,
            (None, Some(wanted)) => self.consume(&Fields(wanted)).await,
            (None, None) => {
                self.first().await?;
                let fields = json!({ "connected": true, "brokers": self.brokers.len(), "error": null });
                Ok(Observation::new(fields, Value::Null))
            }
        }
    }

    /// The connection to the service that the step names.
    async fn first(&mut self) -> Result<&mut Connection, Failure> {
        let known = !self.brokers.is_empty();
        let place = (self.service.clone(), self.port);
        let connection = self.connect(place.clone()).await?;
        if !known {
            // Brokers only: naming no topic, and no list of none.
            let (brokers, _) = messages::metadata(connection, None).await?;
            self.brokers = brokers;
        }
        self.connect(place).await
    }

    async fn connect(&mut self, place: (ServiceName, u16)) -> Result<&mut Connection, Failure> {
        if !self.open.contains_key(&place) {
            let address = self.world.address(&place.0, place.1).await?;
            let connection = Connection::open(address).await?;
            self.open.insert(place.clone(), connection);
        }
        self.open.get_mut(&place).ok_or_else(|| Trouble("no connection".into()).into())
    }

    /// Where an advertised listener is reached: the service of that name; any other name means the one we know.
    async fn at(&mut self, broker: &Broker) -> Result<&mut Connection, Failure> {
        let named = self.world.services().iter().find(|(name, service)| {
            name.as_str() == broker.host || service.hostname.as_deref() == Some(broker.host.as_str())
        });
        let place = match (named, u16::try_from(broker.port)) {
            (Some((name, _)), Ok(port)) => (name.clone(), port),
            _ => (self.service.clone(), self.port),
        };
        self.connect(place).await
    }

    async fn leader(&mut self, node: i32) -> Result<&mut Connection, Failure> {
        let broker = self.brokers.iter().find(|broker| broker.node == node).cloned();
        match broker {
            Some(broker) => self.at(&broker).await,
            None => Err(Trouble(format!("a partition has no leader (its broker would be {node})")).into()),
        }
    }

    async fn find(&mut self, name: &str) -> Result<Result<Topic, i16>, Failure> {
        let (_, topics) = messages::metadata(self.first().await?, Some(name)).await?;
        let topic = topics.into_iter().find(|topic| topic.name == name);
        let topic = topic.ok_or_else(|| Trouble(format!("the broker says nothing about the topic `{name}`")))?;
        Ok(if topic.error == 0 { Ok(topic) } else { Err(topic.error) })
    }

    async fn topics(&mut self) -> Result<Observation, Failure> {
        let (_, topics) = messages::metadata(self.first().await?, None).await?;
        let list: Vec<Value> = topics
            .iter()
            .filter(|topic| !topic.internal && topic.error == 0)
            .map(|topic| json!({ "name": topic.name, "partitions": topic.partitions.len() }))
            .collect();
        Ok(Observation::new(json!({ "count": list.len(), "error": null }), list.into()))
    }

    /// First and next offset of each partition: (partition, start, end).
    async fn bounds(&mut self, topic: &Topic) -> Result<Result<Vec<(i32, i64, i64)>, i16>, Failure> {
        let mut bounds = Vec::new();
        for partition in &topic.partitions {
            let leader = self.leader(partition.leader).await?;
            let mut found = [0, 0];
            for (slot, time) in found.iter_mut().zip([START, END]) {
                let offsets = messages::offsets(leader, &topic.name, &[partition.index], time).await?;
                let answer = offsets.first().ok_or_else(|| Trouble("the broker tells no offset".into()))?;
                if answer.1 != 0 {
                    return Ok(Err(answer.1));
                }
                *slot = answer.2;
            }
            bounds.push((partition.index, found[0], found[1]));
        }
        Ok(Ok(bounds))
    }

    async fn topic(&mut self, name: &str) -> Result<Observation, Failure> {
        let topic = match self.find(name).await? {
            Ok(topic) => topic,
            Err(UNKNOWN_TOPIC) => {
                let fields = json!({ "exists": false, "partitions": 0, "total": 0, "error": null });
                return Ok(Observation::new(fields, Value::Null));
            }
            Err(code) => return Ok(refused(code)),
        };
        let bounds = match self.bounds(&topic).await? {
            Ok(bounds) => bounds,
            Err(code) => return Ok(refused(code)),
        };
        let configs = messages::configs(self.first().await?, name).await?;
        let configs: Option<Map<String, Value>> =
            configs.map(|list| list.into_iter().map(|(name, value)| (name, value.into())).collect());
        let partitions: Vec<Value> = topic
            .partitions
            .iter()
            .zip(&bounds)
            .map(|(partition, (index, start, end))| {
                json!({
                    "partition": index, "leader": partition.leader, "replicas": partition.replicas,
                    "in_sync": partition.in_sync, "start": start, "end": end,
                })
            })
            .collect();
        let fields = json!({
            "exists": true,
            "partitions": topic.partitions.len(),
            "total": bounds.iter().map(|(_, _, end)| end).sum::<i64>(),
            "configs": configs,
            "error": null,
        });
        Ok(Observation::new(fields, partitions.into()))
    }

    /// Offsets of a group and, `with_members`, who takes part in it. Not every broker can tell the latter.
    async fn group(&mut self, name: &str, with_members: bool) -> Result<Observation, Failure> {
        let coordinator = match messages::coordinator(self.first().await?, name).await? {
            Ok(broker) => broker,
            Err(code) => return Ok(refused(code)),
        };
        let (_, topics) = messages::metadata(self.first().await?, None).await?;
        let keeper = self.at(&coordinator).await?;
        let committed = messages::committed(keeper, name, &topics).await?;
        let group = if with_members { describe(keeper, name).await? } else { Group::default() };
        if group.error != 0 && group.error != GROUP_NOT_FOUND {
            return Ok(refused(group.error));
        }
        let partitions = match self.lags(&group, &committed).await? {
            Ok(partitions) => partitions,
            Err(code) => return Ok(refused(code)),
        };
        let sum = |key: &str| -> i64 { partitions.iter().filter_map(|partition| partition[key].as_i64()).sum() };
        let known = group.error == 0 && !matches!(group.state.as_str(), "" | "Dead" | "Unknown");
        let mut fields = json!({
            "exists": known || !committed.is_empty(),
            "lag": sum("lag"),
            "committed": sum("committed"),
            "error": null,
        });
        let mut main = json!({ "partitions": partitions });
        if with_members {
            let working = |member: &&Member| member.assigned.iter().any(|(_, partitions)| !partitions.is_empty());
            fields["state"] = group.state.as_str().into();
            fields["members"] = group.members.len().into();
            fields["working"] = group.members.iter().filter(working).count().into();
            main["members"] = group.members.iter().map(member).collect();
        }
        Ok(Observation::new(fields, main))
    }

    /// Every partition of the topics that the group reads, with how far behind it is.
    async fn lags(
        &mut self,
        group: &Group,
        committed: &[(String, i32, i64)],
    ) -> Result<Result<Vec<Value>, i16>, Failure> {
        let owners: BTreeMap<(&str, i32), &str> = group
            .members
            .iter()
            .flat_map(|member| {
                member.assigned.iter().flat_map(move |(topic, list)| {
                    list.iter().map(move |partition| ((topic.as_str(), *partition), member.id.as_str()))
                })
            })
            .collect();
        let topics = owners.keys().map(|(topic, _)| *topic).chain(committed.iter().map(|(topic, ..)| topic.as_str()));
        let topics: std::collections::BTreeSet<&str> = topics.collect();
        let mut list = Vec::new();
        for name in topics {
            // A topic that was deleted has nothing that could be behind.
            let Ok(topic) = self.find(name).await? else { continue };
            let bounds = match self.bounds(&topic).await? {
                Ok(bounds) => bounds,
                Err(code) => return Ok(Err(code)),
            };
            for (partition, start, end) in bounds {
                let at = committed.iter().find(|(topic, index, _)| topic == name && *index == partition);
                let at = at.map(|(.., offset)| *offset);
                let member = owners.get(&(name, partition));
                // Where nothing is committed yet, everything that is there is still to do.
                let lag = end - at.unwrap_or(start);
                list.push(json!({
                    "topic": name, "partition": partition, "committed": at, "end": end, "lag": lag, "member": member,
                }));
            }
        }
        Ok(Ok(list))
    }

    async fn produce(&mut self, message: &Fields<'_>) -> Result<Observation, Failure> {
        let name = message.required("topic")?;
        let topic = match self.find(&name).await? {
            Ok(topic) => topic,
            Err(code) => return Ok(refused(code)),
        };
        let key = message.text("key")?.map(String::into_bytes);
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let partition = match (message.number("partition")?, &key) {
            (Some(partition), _) => i32::try_from(partition).unwrap_or(-1),
            (None, Some(key)) => records::partition_of(key, count),
            (None, None) => 0,
        };
        let Some(leader) = topic.partitions.iter().find(|one| one.index == partition).map(|one| one.leader) else {
            let what = format!("the topic `{name}` has no partition {partition}; it has {count}");
            return Err(Unobservable::Definition(what).into());
        };
        let value = match (message.get("json"), message.text("value")?) {
            (Some(json), _) => Some(json.to_string().into_bytes()),
            (None, value) => value.map(String::into_bytes),
        };
        let headers = message.pairs("headers")?.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        let timestamp = jiff::Timestamp::now().as_millisecond();
        let batch = records::encode(&Record { offset: 0, timestamp, key, value, headers });
        let (error, offset) = messages::produce(self.leader(leader).await?, &name, partition, &batch).await?;
        if error != 0 {
            return Ok(refused(error));
        }
        Ok(Observation::new(json!({ "partition": partition, "offset": offset, "error": null }), Value::Null))
    }

    /// What is there now, from the beginning of each partition or from `offset`.
    async fn consume(&mut self, wanted: &Fields<'_>) -> Result<Observation, Failure> {
        let name = wanted.required("topic")?;
        let limit = wanted.number("limit")?.unwrap_or(MOST_RECORDS);
        let limit = usize::try_from(limit).map_err(|_| wrong("limit", "a positive number", &limit.into()))?;
        let only = wanted.number("partition")?;
        let from = wanted.number("offset")?.unwrap_or(0);
        let key = wanted.text("key")?;
        let topic = match self.find(&name).await? {
            Ok(topic) => topic,
            Err(code) => return Ok(refused(code)),
        };
        let bounds = match self.bounds(&topic).await? {
            Ok(bounds) => bounds,
            Err(code) => return Ok(refused(code)),
        };
        let mut list: Vec<Value> = Vec::new();
        for (partition, (index, start, end)) in topic.partitions.iter().zip(bounds) {
            if only.is_some_and(|only| only != i64::from(index)) {
                continue;
            }
            let mut next = start.max(from);
            while next < end && list.len() < limit {
                let leader = self.leader(partition.leader).await?;
                let (error, bytes) = messages::fetch(leader, &name, index, next).await?;
                if error != 0 {
                    return Ok(refused(error));
                }
                let records = records::decode(bytes, next)?;
                // Compaction and transaction markers leave holes; an answer without anything further ends it.
                let Some(last) = records.iter().map(|record| record.offset).max() else { break };
                let new = records.into_iter().filter(|record| record.offset < end);
                let new = new.map(|record| document(index, &record));
                list.extend(new.filter(|record| key.as_ref().is_none_or(|key| record["key"] == **key)));
                next = last.saturating_add(1);
            }
        }
        list.truncate(limit);
        Ok(Observation::new(json!({ "count": list.len(), "error": null }), list.into()))
    }
}

/// A group in whichever of the two protocols it lives.
async fn describe(keeper: &mut Connection, name: &str) -> Result<Group, Trouble> {
    let group = messages::classic_group(keeper, name).await?;
    if !group.members.is_empty() {
        return Ok(group);
    }
    let other = messages::consumer_group(keeper, name).await?;
    Ok(other.filter(|other| other.error == 0).unwrap_or(group))
}

fn member(member: &Member) -> Value {
    let assigned = member.assigned.iter().flat_map(|(topic, list)| list.iter().map(move |one| (topic, one)));
    let partitions: Vec<Value> =
        assigned.map(|(topic, partition)| json!({ "topic": topic, "partition": partition })).collect();
    json!({ "id": member.id, "client": member.client, "host": member.host, "partitions": partitions })
}

/// A record, its value as text and, where it is JSON, as what it means.
fn document(partition: i32, record: &Record) -> Value {
    let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let value = text(&record.value);
    let headers: Map<String, Value> = record
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned().into()))
        .collect();
    json!({
        "partition": partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": text(&record.key),
        "json": value.as_deref().and_then(|value| serde_json::from_str::<Value>(value).ok()),
        "value": value,
        "headers": headers,
    })
}
