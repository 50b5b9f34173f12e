//! The fields of each step kind: name, and whether it has to be there.

use crate::lab::Kind;

/// Kinds that the format has and this version cannot run yet.
pub(super) const LATER: &[&str] = &["compose", "workflow", "change"];

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
        Kind::Kafka => &[
            ("service", false),
            ("port", false),
            ("topics", false),
            ("topic", false),
            ("group", false),
            ("members", false),
            ("produce", false),
            ("consume", false),
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
        Kind::Django => {
            &[("service", true), ("settings", false), ("migrations", false), ("urls", false), ("request", false)]
        }
        Kind::Pytest => &[("service", true), ("arguments", false), ("coverage", false)],
        Kind::Load => &[
            ("url", false),
            ("method", false),
            ("headers", false),
            ("query", false),
            ("json", false),
            ("rate", false),
            ("duration", false),
            ("locust", false),
            ("service", false),
            ("users", false),
            ("spawn_rate", false),
            ("host", false),
        ],
        Kind::Image => &[("service", false), ("image", false)],
        Kind::Git => &[("range", false), ("limit", false)],
        Kind::Evidence => &[("path", false), ("link", false)],
        Kind::Plugin => &[("program", true), ("input", false)],
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
        Kind::Kafka => &[
            "connected",
            "brokers",
            "exists",
            "count",
            "partitions",
            "total",
            "configs",
            "state",
            "members",
            "working",
            "lag",
            "committed",
            "partition",
            "offset",
            "error",
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
        Kind::Django => &["pending", "unwritten", "count", "status", "queries", "duration", "body"],
        Kind::Pytest => &["code", "total", "passed", "failed", "errors", "skipped", "duration", "coverage", "stdout"],
        Kind::Load => &[
            "requests",
            "errors",
            "error_rate",
            "rate",
            "unanswered",
            "code",
            "p50",
            "p90",
            "p95",
            "p99",
            "max",
            "words",
        ],
        Kind::Image => &[
            "user",
            "size",
            "layers",
            "environment",
            "command",
            "entrypoint",
            "workdir",
            "exposed",
            "volumes",
            "labels",
            "healthcheck",
        ],
        Kind::Git => &["exists", "branch", "commits", "clean", "changed", "untracked"],
        Kind::Evidence => &["exists", "type", "size", "digest", "words", "text", "status"],
        Kind::Plugin => &["stderr"],
    }
}

/// Fields of a kind of which exactly one has to be there.
pub(super) fn choices(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Run => &["image", "service"],
        Kind::Image => &["image", "service"],
        Kind::Celery => &["ping", "inspect", "result"],
        Kind::Django => &["settings", "migrations", "urls", "request"],
        Kind::Load => &["url", "locust"],
        Kind::Evidence => &["path", "link"],
        _ => &[],
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
