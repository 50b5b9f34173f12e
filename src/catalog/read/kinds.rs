//! The fields of each step kind: name, and whether it has to be there.

use crate::lab::Kind;

/// Kinds that the format has and this version cannot run yet.
pub(super) const LATER: &[&str] =
    &["kafka", "django", "pytest", "load", "image", "compose", "workflow", "git", "evidence", "plugin", "change"];

/// Faults that the format has and this version cannot make yet.
pub(super) const LATER_FAULTS: &[&str] = &["disconnect", "delay", "fill"];

/// (field, required)
pub(super) type Fields = &'static [(&'static str, bool)];

/// The fields of a kind.
pub(super) fn fields(kind: Kind) -> Fields {
    match kind {
        Kind::Http => &[
            ("url", true),
            ("method", false),
            ("headers", false),
            ("query", false),
            ("json", false),
            ("body", false),
            ("form", false),
            ("multipart", false),
            ("auth", false),
            ("follow", false),
            ("cookies", false),
        ],
        Kind::Tcp => &[("address", true), ("send", false), ("read", false)],
        Kind::Redis => {
            &[("command", true), ("service", false), ("db", false), ("username", false), ("password", false)]
        }
        Kind::Amqp => &[
            ("service", false),
            ("username", false),
            ("password", false),
            ("vhost", false),
            ("connect", false),
            ("queue", false),
            ("queues", false),
            ("exchange", false),
            ("publish", false),
            ("get", false),
        ],
        Kind::Sql => &[
            ("service", false),
            ("query", true),
            ("params", false),
            ("user", false),
            ("password", false),
            ("database", false),
        ],
        Kind::Exec => &[
            ("service", true),
            ("command", true),
            ("user", false),
            ("environment", false),
            ("workdir", false),
            ("stdin", false),
        ],
        Kind::Run => {
            &[("image", false), ("service", false), ("command", true), ("environment", false), ("workdir", false)]
        }
        Kind::Mail => &[("service", false), ("to", false), ("from", false), ("subject", false)],
        Kind::Celery => &[("service", true), ("app", false), ("ping", false), ("inspect", false), ("result", false)],
        Kind::Container => &[("service", true)],
        Kind::Log => &[("service", true), ("since", false), ("tail", false)],
        Kind::File => &[("path", true), ("as", false)],
    }
}

/// The observation's fields that `expect` and `capture` may name, beside `$…`.
pub(super) fn observed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Http => &["status", "headers", "body", "size", "duration", "url", "redirects"],
        Kind::Tcp => &["open", "received", "duration"],
        Kind::Redis => &["value", "type", "error"],
        Kind::Sql => &["count", "value", "affected", "error", "code"],
        Kind::Amqp => &[
            "connected",
            "exists",
            "ready",
            "consumers",
            "durable",
            "arguments",
            "bindings",
            "type",
            "count",
            "routed",
            "confirmed",
            "found",
            "body",
            "exchange",
            "routing_key",
            "redelivered",
            "persistent",
            "headers",
        ],
        Kind::Exec | Kind::Run => &["code", "stdout", "stderr", "duration"],
        Kind::Mail => &["count"],
        Kind::Celery => &["alive", "workers", "state", "ready", "result", "traceback"],
        Kind::Container => &[
            "state",
            "exit_code",
            "health",
            "restarts",
            "oom_killed",
            "user",
            "image",
            "memory_limit",
            "environment",
            "command",
            "started_at",
        ],
        Kind::Log => &["text", "count"],
        Kind::File => &["exists", "text", "size", "lines", "words"],
    }
}

/// Redis commands that change nothing, and so may be repeated by `within` and `for`.
pub(super) const REDIS_READS: &[&str] = &[
    "PING",
    "GET",
    "MGET",
    "EXISTS",
    "TTL",
    "PTTL",
    "TYPE",
    "KEYS",
    "SCAN",
    "DBSIZE",
    "LLEN",
    "LRANGE",
    "LINDEX",
    "SCARD",
    "SMEMBERS",
    "SISMEMBER",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HLEN",
    "HEXISTS",
    "ZCARD",
    "ZRANGE",
    "ZSCORE",
    "XLEN",
    "XRANGE",
    "XINFO",
    "STRLEN",
    "INFO",
    "CONFIG",
    "CLIENT",
    "OBJECT",
    "MEMORY",
    "LASTSAVE",
    "TIME",
    "COMMAND",
    "ACL",
    "PUBSUB",
];

/// SQL statements that change nothing by themselves.
pub(super) const SQL_READS: &[&str] = &["SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW"];
