//! Redis: every key of every database, settings, users, functions.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use redis::aio::MultiplexedConnection;
use redis::{RedisConnectionInfo, RedisError, Value};
use sha2::{Digest, Sha256};

use crate::check::probe::redis::connect;

/// More than a freshly started server of a lab ever holds.
const MOST_KEYS: usize = 10_000;

pub(super) async fn fingerprint(address: SocketAddr) -> Result<String, RedisError> {
    let mut first = connect(address, database(0)).await?;
    let mut digest = Sha256::new();
    let settings: BTreeMap<String, String> = redis::cmd("CONFIG").arg("GET").arg("*").query_async(&mut first).await?;
    digest.update(format!("{settings:?}"));
    let mut users: Vec<String> = redis::cmd("ACL").arg("LIST").query_async(&mut first).await?;
    users.sort();
    digest.update(format!("{users:?}"));
    // Functions came with Redis 7; an older server has none.
    let functions: Result<Value, RedisError> =
        redis::cmd("FUNCTION").arg("LIST").arg("WITHCODE").query_async(&mut first).await;
    digest.update(format!("{:?}", functions.ok()));
    let keyspace: String = redis::cmd("INFO").arg("keyspace").query_async(&mut first).await?;
    for number in databases(&keyspace) {
        digest.update(format!("db{number}"));
        digest.update(content(&mut connect(address, database(number)).await?).await?);
    }
    Ok(hex::encode(digest.finalize()))
}

fn database(number: i64) -> RedisConnectionInfo {
    RedisConnectionInfo::default().set_db(number)
}

/// The databases that hold keys: `INFO keyspace` has a line `db0:keys=…` for each (redis.io, "INFO").
fn databases(keyspace: &str) -> Vec<i64> {
    let number = |line: &str| line.strip_prefix("db")?.split_once(':')?.0.parse().ok();
    keyspace.lines().filter_map(number).collect()
}

async fn content(connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let (next, some): (u64, Vec<Vec<u8>>) =
            redis::cmd("SCAN").arg(cursor).arg("COUNT").arg(1000).query_async(connection).await?;
        keys.extend(some);
        if next == 0 || keys.len() > MOST_KEYS {
            break;
        }
        cursor = next;
    }
    keys.sort();
    keys.dedup();
    keys.truncate(MOST_KEYS);
    let mut all = String::new();
    for key in keys {
        let value: Value = redis::cmd("DUMP").arg(&key).query_async(connection).await?;
        all.push_str(&format!("{key:?}{value:?}"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #[test]
    fn databases_that_hold_keys_are_named_by_info() {
        let text = "# Keyspace\r\ndb0:keys=4,expires=0,avg_ttl=0\r\ndb12:keys=1,expires=1,avg_ttl=9\r\n";
        assert_eq!(super::databases(text), [0, 12]);
    }
}
