//! Kinds that speak to message brokers.

use super::{Reference, optional, seen};

pub(super) const AMQP: Reference = Reference {
    about: "RabbitMQ, asked over AMQP; what AMQP cannot tell, over the management API. Counts come from AMQP, because \
            those of the management API are seconds old. Say one of `connect`, `queue`, `queues`, `exchange`, \
            `publish` and `get`.",
    fields: &[
        optional("service", "the server"),
        optional("username", "`guest` unless told"),
        optional("password", "`guest` unless told"),
        optional("vhost", "`/` unless told"),
        optional("connect", "`true` only connects"),
        optional("queue", "a queue's name"),
        optional("queues", "a list of names, or `\"*\"` for all that are not exclusive"),
        optional("exchange", "an exchange's name"),
        optional("publish", "`exchange`, `routing_key`, `json` or `body`, `headers`, `persistent` (true unless told)"),
        optional("get", "`queue`; with `keep: true` the message goes back, which counts as a delivery"),
    ],
    choices: &[],
    observed: &[
        seen("connected", ""),
        seen("exists", "of a queue or exchange"),
        seen("ready", "messages that wait"),
        seen("consumers", "who listens"),
        seen("durable", ""),
        seen("arguments", "as it was declared"),
        seen("bindings", "source, destination, routing_key, arguments"),
        seen("type", "of an exchange"),
        seen("count", "how many queues were found"),
        seen("routed", "a queue took the message"),
        seen("confirmed", "the broker has it"),
        seen("found", "there was a message"),
        seen("body", "as text"),
        seen("exchange", "through which it came"),
        seen("routing_key", "with which it came"),
        seen("redelivered", ""),
        seen("persistent", ""),
        seen("headers", ""),
    ],
    main: "of a queue or exchange all of it; of `queues` a list; of `get` the body where it is JSON",
    unsaid: "what is published is `routed`",
    example: "- amqp: { queue: warehouse.dead }\n  within: 5s\n  expect: { ready: \"${dead + 1}\" }",
};

pub(super) const KAFKA: Reference = Reference {
    about: "A broker that speaks Kafka's protocol. It is reached where the lab reaches its services, whatever address it \
            advertises. Say one of `topics`, `topic`, `group`, `produce` and `consume`.",
    fields: &[
        optional("service", "the broker that is asked first"),
        optional("port", "9092 unless told"),
        optional("topics", "`\"*\"`: all that are not the broker's own"),
        optional("topic", "a topic's name"),
        optional("group", "a consumer group's name"),
        optional("members", "with `group`: `true` asks who takes part; not every broker can tell"),
        optional(
            "produce",
            "`topic`, `key`, `json` or `value`, `headers`, `partition`; without one the key decides, as in Kafka's own \
             clients, and without a key it is 0",
        ),
        optional(
            "consume",
            "`topic`, and of it only a `partition`, a `key`, what lies at an `offset` and after, `limit` records; as no \
             member of any group",
        ),
    ],
    choices: &[],
    observed: &[
        seen("connected", ""),
        seen("brokers", "how many the cluster has"),
        seen("exists", "of a topic or group"),
        seen("count", "topics or records that were found"),
        seen("partitions", "of a topic"),
        seen("total", "next offsets of a topic's partitions, added up"),
        seen("configs", "of a topic; null where the broker cannot tell"),
        seen("state", "of a group, with `members`"),
        seen("members", "how many, with `members`"),
        seen("working", "members with a partition, with `members`"),
        seen("lag", "records that the group has not committed"),
        seen("committed", "offsets of the group, added up"),
        seen("partition", "where a record went"),
        seen("offset", "of it there"),
        seen("error", "what the broker refused, else null"),
    ],
    main: "of a topic its partitions (leader, replicas, in_sync, start, end); of a group `partitions` (topic, partition, \
           committed, end, lag, member) and `members`; of `consume` a list of records (partition, offset, timestamp, key, \
           value, json, headers)",
    unsaid: "`error` is null",
    example: "- kafka: { group: projector }\n  within: 30s\n  expect: { lag: 0 }",
};
