//! What the format has and this version does not, and what can be done twice.

/// Kinds that the format has and this version cannot run yet.
pub(super) const LATER: &[&str] = &["workflow"];

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
