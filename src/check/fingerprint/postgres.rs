//! PostgreSQL: settings, roles, databases, and whether anything in a catalog has changed since.

use std::net::SocketAddr;

use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};
use tokio_postgres::SimpleQueryMessage;

use crate::check::probe::sql::{Login, Session};

/// The server's own databases: what they hold when new (a comment, for one) is not made again by making them again.
const OF_THE_SERVER: &[&str] = &["postgres", "template0", "template1"];

/// What does not belong to one database. Files, since a changed `pg_hba.conf` counts with the next reload only.
const CLUSTER: &str = "\
    SELECT name, setting, source, pending_restart FROM pg_settings \
        WHERE source NOT IN ('client', 'session') ORDER BY name; \
    SELECT path, md5(pg_read_file(path)) FROM (VALUES (current_setting('config_file')), \
        (current_setting('hba_file')), (current_setting('ident_file')), \
        (current_setting('data_directory') || '/postgresql.auto.conf')) AS files (path) ORDER BY path; \
    SELECT to_jsonb(d) - 'oid' - 'datfrozenxid' - 'datminmxid' FROM pg_database d ORDER BY datname; \
    SELECT slot_name FROM pg_replication_slots ORDER BY slot_name; \
    SELECT gid FROM pg_prepared_xacts ORDER BY gid";

/// Catalogs, and whether they belong to the whole server. Left out is what ANALYZE writes by itself, and what says of
/// the numbers of databases only what `pg_database` says better.
const CATALOGS: &str = "\
    SELECT relname, relisshared FROM pg_class WHERE relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace \
        AND relname NOT IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_database', 'pg_shdepend') ORDER BY relname";

/// Tables, sequences and the like that were not there when the server was made: objects of users begin at this number
/// (postgresql.org/docs/17/system-catalog-initial-data.html, "FirstNormalObjectId").
const TABLES_OF_USERS: &str =
    "SELECT relname FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'm', 'S', 'f')";

/// The database that [`empty`] would make again; `None` where it cannot.
pub(super) fn emptied(login: &Login) -> Option<&str> {
    (!OF_THE_SERVER.contains(&login.database.as_str())).then_some(login.database.as_str())
}

/// Makes the database again that the image made first.
pub(super) async fn empty(address: SocketAddr, login: &Login) -> Result<(), String> {
    let Some(database) = emptied(login) else {
        return Err(format!("`{}` is the server's own database", login.database));
    };
    let session = Session::connect(address, &login.of("postgres")).await?;
    let name = database.replace('"', "\"\"");
    session.run(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await?;
    session.run(&format!("CREATE DATABASE \"{name}\"")).await.map(drop)
}

pub(super) async fn fingerprint(address: SocketAddr, login: &Login) -> Result<String, String> {
    let session = Session::connect(address, login).await?;
    let mut digest = Sha256::new();
    digest.update(text(&session.run(CLUSTER).await?));
    let catalogs: Vec<(String, bool)> = rows(&session.run(CATALOGS).await?)
        .into_iter()
        .filter_map(|mut row| Some((row.first_mut()?.take()?, row.get(1)?.as_deref() == Some("t"))))
        .collect();
    let names = |shared: bool| catalogs.iter().filter(move |one| one.1 == shared).map(|one| one.0.as_str());
    digest.update(text(&session.run(&changes(names(true))).await?));
    let databases = session.run("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname").await?;
    let databases: Vec<String> = rows(&databases).into_iter().flatten().flatten().collect();
    let own = &changes(names(false));
    let contents = databases.iter().map(|name| async move {
        let session = Session::connect(address, &login.of(name)).await?;
        // What rows a table holds is told by no catalog.
        if let Some(table) = rows(&session.run(TABLES_OF_USERS).await?).first() {
            return Err(format!("`{name}` holds tables of users: {table:?}"));
        }
        Ok(format!("{name} {}", text(&session.run(own).await?)))
    });
    for content in try_join_all(contents).await? {
        digest.update(content);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A statement that has a line for each catalog: how many rows, and the newest transaction that has written one. Whoever
/// inserts or changes a row is newer than all before; whoever deletes one leaves fewer.
fn changes<'n>(catalogs: impl Iterator<Item = &'n str>) -> String {
    let line = |name| format!("SELECT '{name}', count(*), max(xmin::text::bigint) FROM pg_catalog.{name}");
    catalogs.map(line).collect::<Vec<_>>().join(" UNION ALL ")
}

fn rows(answer: &[SimpleQueryMessage]) -> Vec<Vec<Option<String>>> {
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    };
    answer.iter().filter_map(row).collect()
}

/// Every row of every statement, and where each statement ends.
fn text(answer: &[SimpleQueryMessage]) -> String {
    let line = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            format!("{:?}\n", (0..row.len()).map(|at| row.get(at)).collect::<Vec<_>>())
        }
        SimpleQueryMessage::CommandComplete(count) => format!("{count}\n"),
        _ => String::new(),
    };
    answer.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_the_server_is_not_made_again() {
        let login = |database: &str| Login { user: "shop".into(), password: "shop".into(), database: database.into() };
        assert_eq!(emptied(&login("shop")), Some("shop"));
        assert_eq!(emptied(&login("postgres")), None);
        assert_eq!(emptied(&login("template1")), None);
    }

    #[test]
    fn each_catalog_has_a_line() {
        let statement = changes(["pg_class", "pg_proc"].into_iter());
        assert_eq!(statement.matches("count(*)").count(), 2);
        assert!(statement.contains("FROM pg_catalog.pg_class UNION ALL SELECT 'pg_proc'"), "{statement}");
    }
}
