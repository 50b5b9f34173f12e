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

/// The database that [`empty`] would empty; `None` where it cannot.
pub(super) fn emptied(login: &Login) -> Option<&str> {
    (!OF_THE_SERVER.contains(&login.database.as_str())).then_some(login.database.as_str())
}

/// Drops what users have made in a database, as far as it lies in schemas, and forgets what was counted in it. Takes
/// milliseconds, where making the database again has the server write all of its catalogs. Is no use where a library
/// that the server was started with remembers things by the database's number. Anything it misses, it leaves to the
/// fingerprint.
const CONTENTS: &str = "\
    SET lock_timeout = '1s'; \
    DO $$ \
    DECLARE made record; \
    BEGIN \
        IF current_setting('shared_preload_libraries') <> '' THEN RAISE 'a library may remember things'; END IF; \
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid(); \
        FOR made IN SELECT extname AS name FROM pg_extension WHERE oid >= 16384 LOOP \
            EXECUTE format('DROP EXTENSION IF EXISTS %I CASCADE', made.name); \
        END LOOP; \
        FOR made IN SELECT nspname AS name FROM pg_namespace WHERE oid >= 16384 LOOP \
            EXECUTE format('DROP SCHEMA %I CASCADE', made.name); \
        END LOOP; \
        LOOP \
            SELECT object.type, object.identity INTO made \
                FROM pg_depend here, pg_identify_object(here.classid, here.objid, 0) object \
                WHERE here.refclassid = 'pg_namespace'::regclass AND here.refobjid = to_regnamespace('public') \
                    AND here.objid >= 16384 AND here.deptype = 'n' \
                    AND NOT EXISTS (SELECT FROM pg_depend owner WHERE owner.classid = here.classid \
                        AND owner.objid = here.objid AND owner.deptype IN ('a', 'i', 'e')) LIMIT 1; \
            EXIT WHEN NOT FOUND; \
            EXECUTE format('DROP %s %s CASCADE', made.type, made.identity); \
        END LOOP; \
        PERFORM lo_unlink(oid) FROM pg_largeobject_metadata; \
    END $$; \
    SELECT pg_stat_reset()";

/// Empties the database that the image made first, and tells whether the server holds what `known` says then. What is in
/// the database is dropped; where that is not enough, the database is, and made again.
pub(super) async fn empty(address: SocketAddr, login: &Login, known: &str) -> bool {
    let Some(database) = emptied(login) else { return false };
    let name = database.replace('"', "\"\"");
    let again = [format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"), format!("CREATE DATABASE \"{name}\"")];
    for (place, statements) in [(database, &[CONTENTS.to_owned()][..]), ("postgres", &again)] {
        let done = run(address, &login.of(place), statements).await.is_ok();
        if done && fingerprint(address, login).await.as_deref() == Ok(known) {
            return true;
        }
    }
    false
}

async fn run(address: SocketAddr, login: &Login, statements: &[String]) -> Result<(), String> {
    let session = Session::connect(address, login).await?;
    for statement in statements {
        session.run(statement).await?;
    }
    Ok(())
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
    Ok(hex::encode(digest.finalize()))
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
