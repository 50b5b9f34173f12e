//! A database without rows of its own is emptied where it stands, and made anew where that would leave something behind.

use crate::support::{LabEnv, Said, docker, recipe, said};

const FILE: &str = "month-12-database/lab.yaml";

/// The database of the lab, without what its scripts put into it.
fn database(name: &str) -> LabEnv {
    let lab = LabEnv::of("database", name);
    let file = lab.own_labs(&["month-12-database"]).join(FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    let scripts = ", \"${LAB}/fixtures/init:/docker-entrypoint-initdb.d:ro\"";
    assert!(text.contains(scripts));
    std::fs::write(&file, text.replace(scripts, "")).unwrap();
    recipe(&lab, "postgres:17");
    lab
}

fn works(lab: &LabEnv, words: &[&str]) -> Said {
    let done = said(lab.command(words).env("LABRUNNER_LABS", lab.folder().join("labs")).output().unwrap());
    assert_eq!(done.code, 0, "{words:?}: {done:?}");
    done
}

fn sql(lab: &LabEnv, database: &str, statement: &str) -> String {
    let command = ["psql", "-U", "shop", "-d", database, "-qtAc", statement];
    let done = docker(&[&["exec", &lab.container("db")], &command[..]].concat());
    assert_eq!(done.code, 0, "{statement}: {done:?}");
    done.out.trim().to_owned()
}

fn identity(lab: &LabEnv) -> String {
    docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &lab.container("db")]).out
}

/// Resets after these statements; tells whether the server went on.
fn goes_on(lab: &LabEnv, statements: &[(&str, &str)]) -> bool {
    for (database, statement) in statements {
        sql(lab, database, statement);
    }
    let before = identity(lab);
    let reset = works(lab, &["reset", "database"]);
    let emptied = reset.out.contains("db: emptied, and found to be as when new");
    assert_ne!(emptied, reset.out.contains("db: made anew, with empty data"), "{reset:?}");
    assert_eq!(identity(lab) == before, emptied, "{reset:?}");
    emptied
}

fn database_number(lab: &LabEnv) -> String {
    sql(lab, "postgres", "SELECT oid FROM pg_database WHERE datname = 'orders'")
}

fn taken_down(lab: &LabEnv) {
    works(lab, &["down", "--all"]);
    assert_eq!(lab.left(), Vec::<String>::new());
}

/// Everything that this test ever makes.
const LEFT: &str = "SELECT count(*) FROM (SELECT relname FROM pg_class WHERE relname LIKE 'left\\_%' \
    UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'left\\_%' \
    UNION ALL SELECT datname FROM pg_database WHERE datname LIKE 'left\\_%' \
    UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'left\\_%' \
    UNION ALL SELECT name FROM pg_settings WHERE name = 'work_mem' AND setting <> '4096') AS everything";

#[test]
fn only_what_leaves_nothing_behind_is_emptied() {
    let lab = database("emptied");
    let plan = works(&lab, &["reset", "database", "--plan"]);
    assert!(plan.out.contains("empty `db`, or make it anew"), "{plan:?}");
    works(&lab, &["start", "database"]);
    let orders = ("orders", "CREATE TABLE left_orders (number int)");
    for dropped in [
        &[][..],
        &[orders, ("orders", "INSERT INTO left_orders SELECT generate_series(1, 1000)")],
        &[orders, ("orders", "VACUUM ANALYZE")],
        &[
            ("orders", "CREATE TABLE left_one (id serial PRIMARY KEY, at timestamptz DEFAULT now())"),
            ("orders", "CREATE TABLE left_two (id int GENERATED ALWAYS AS IDENTITY, one int REFERENCES left_one)"),
            ("orders", "CREATE VIEW left_seen AS SELECT * FROM left_one; CREATE INDEX left_index ON left_one (at)"),
            ("orders", "CREATE MATERIALIZED VIEW left_kept AS SELECT count(*) FROM left_two"),
            ("orders", "CREATE TYPE left_kind AS ENUM ('a'); CREATE DOMAIN left_domain AS int CHECK (value > 0)"),
            ("orders", "CREATE FUNCTION left_sum(left_kind) RETURNS int LANGUAGE sql AS 'SELECT 1'"),
            ("orders", "CREATE SCHEMA left_schema CREATE TABLE left_three (kind public.left_kind)"),
            ("orders", "SELECT lo_from_bytea(0, 'left'); CREATE EXTENSION pg_stat_statements"),
            ("orders", "CREATE TEMPORARY TABLE left_temporary (number int)"),
        ],
    ] {
        let before = database_number(&lab);
        assert!(goes_on(&lab, dropped), "{dropped:?}");
        assert_eq!(database_number(&lab), before, "{dropped:?}");
        assert_eq!(sql(&lab, "orders", LEFT), "0", "{dropped:?}");
    }
    for again in [
        &[orders, ("orders", "ALTER DATABASE orders SET work_mem = '64MB'")][..],
        &[("orders", "DROP SCHEMA public CASCADE")],
        &[("orders", "COMMENT ON SCHEMA public IS 'left'")],
        &[orders, ("orders", "CREATE PUBLICATION left_told FOR TABLE left_orders")],
        &[orders, ("orders", "CREATE STATISTICS left_counts (ndistinct) ON number, (number + 1) FROM left_orders")],
        &[("postgres", "DROP DATABASE orders WITH (FORCE)")],
        &[("postgres", "CREATE ROLE left_behind"), ("postgres", "DROP ROLE left_behind")],
    ] {
        assert!(goes_on(&lab, again), "{again:?}");
        assert_eq!(sql(&lab, "orders", LEFT), "0", "{again:?}");
    }
    for stays in [
        &[("orders", "CREATE ROLE left_behind")][..],
        &[("orders", "ALTER ROLE shop SET work_mem = '64MB'")],
        &[("orders", "ALTER ROLE shop PASSWORD 's3cret'")],
        &[("orders", "CREATE DATABASE left_behind")],
        &[("orders", "ALTER SYSTEM SET work_mem = '64MB'")],
        &[("orders", "ALTER SYSTEM SET work_mem = '64MB'"), ("orders", "SELECT pg_reload_conf()")],
        &[("postgres", "CREATE TABLE left_orders (number int)")],
        &[("template1", "CREATE FUNCTION left_over() RETURNS int LANGUAGE sql AS 'SELECT 1'")],
        &[("template1", "DROP EXTENSION plpgsql")],
        &[("postgres", "COMMENT ON DATABASE template1 IS 'left'")],
        &[("postgres", "SELECT pg_create_physical_replication_slot('left_behind')")],
        &[("postgres", "COPY (SELECT '# left') TO PROGRAM 'cat >> $PGDATA/pg_hba.conf'")],
    ] {
        assert!(!goes_on(&lab, stays), "{stays:?}");
        assert_eq!(sql(&lab, "postgres", LEFT), "0", "{stays:?}");
        // What was made anew is known again.
        assert!(goes_on(&lab, &[orders]), "after {stays:?}");
    }
    taken_down(&lab);
}

#[test]
fn what_an_earlier_container_has_left_is_not_taken_for_new() {
    let lab = database("inherited");
    works(&lab, &["start", "database"]);
    sql(&lab, "orders", "CREATE ROLE left_behind");
    let file = lab.folder().join("labs").join(FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("POSTGRES_USER: shop,", "POSTGRES_USER: shop, MADE: again,")).unwrap();
    let before = identity(&lab);
    works(&lab, &["start", "database"]);
    assert_ne!(identity(&lab), before);
    assert_eq!(sql(&lab, "orders", LEFT), "1", "the volume stays");
    assert!(!goes_on(&lab, &[]));
    assert_eq!(sql(&lab, "orders", LEFT), "0");
    taken_down(&lab);
}

#[test]
fn one_that_hangs_is_made_anew() {
    let lab = database("hangs");
    works(&lab, &["start", "database"]);
    sql(&lab, "orders", "CREATE TABLE left_orders (number int)");
    let stop = "kill -STOP $(head -n 1 $PGDATA/postmaster.pid)";
    assert_eq!(docker(&["exec", &lab.container("db"), "sh", "-c", stop]).code, 0);
    assert!(!goes_on(&lab, &[]));
    assert_eq!(sql(&lab, "orders", LEFT), "0");
    taken_down(&lab);
}

/// Something that prepares the database and ends, and something that waits for that.
const PREPARED: &str = r#"services:
  prepare:
    image: "postgres:17"
    command: [psql, "postgresql://shop:s3cret@db/orders", -c, "CREATE TABLE prepared AS SELECT 7 AS number"]
    depends_on: { db: { condition: service_healthy } }
  user:
    image: "postgres:17"
    command: [sleep, infinity]
    depends_on: { prepare: { condition: service_completed_successfully } }
"#;

/// The database of the lab, prepared.
fn prepared(name: &str, services: &str) -> LabEnv {
    let lab = database(name);
    let file = lab.folder().join("labs").join(FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    // With three services of one image, a step says which one it means.
    let text = text.replace("services:\n", services).replace("sql: {", "sql: { service: db,");
    std::fs::write(&file, text).unwrap();
    works(&lab, &["start", "database"]);
    assert_eq!(sql(&lab, "orders", "SELECT number FROM prepared"), "7");
    lab
}

#[test]
fn what_prepares_a_database_does_so_again() {
    let lab = prepared("prepared", PREPARED);
    sql(&lab, "orders", "UPDATE prepared SET number = 8");
    works(&lab, &["reset", "database", "db"]);
    works(&lab, &["start", "database"]);
    assert_eq!(sql(&lab, "orders", "SELECT number FROM prepared"), "7");
    taken_down(&lab);
}

#[test]
fn what_prepares_a_database_lets_it_be_while_it_stays() {
    let before = "depends_on: { db: { condition: service_healthy } }";
    let both = "depends_on: { db: { condition: service_healthy }, cache: { condition: service_started } }";
    let services = PREPARED.replace(before, both) + "  cache: { image: \"redis:8\" }\n";
    let lab = prepared("let-be", &services);
    let ran = || docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &lab.container("prepare")]).out;
    let once = ran();
    works(&lab, &["reset", "database", "cache"]);
    works(&lab, &["start", "database"]);
    assert_eq!(ran(), once);
    taken_down(&lab);
}
