//! `sql`: one statement in PostgreSQL, its rows as data.

use std::error::Error as StdError;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::{Fields, fitting, repository, wrong};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::Kind;
use crate::lab::stack::Service;

/// The port that the protocol is spoken on.
pub(in crate::check) const PORT: u16 = 5432;

/// Whether a service is a PostgreSQL server.
pub(in crate::check) fn fits(service: &Service) -> bool {
    repository(service) == "postgres"
}

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fitting(Kind::Sql, fields, world)?;
    let address = world.address(&service, PORT).await?;
    let told = world.services().get(&service).map(Login::told).unwrap_or_default();
    let user = fields.text("user")?.unwrap_or(told.user);
    let login = Login {
        password: fields.text("password")?.unwrap_or(told.password),
        database: fields.text("database")?.unwrap_or(told.database),
        user,
    };
    let failed = |what: String| Unobservable::Service { service: service.clone(), what };
    let session = Session::connect(address, &login).await.map_err(failed)?;
    let client = &session.client;
    let statements = fields.text("statements")?;
    let query = match &statements {
        Some(_) => STATEMENTS.to_owned(),
        None => fields.required("query")?,
    };
    let parameters: Vec<Parameter> = match fields.get("params") {
        _ if statements.is_some() => vec![Parameter(statements.clone())],
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().map(Parameter::new).collect(),
        Some(other) => return Err(wrong("params", "a list", other)),
    };
    if statements.is_some() {
        // Needs the right to make extensions; whoever may not is told so by the statement below.
        let _ = client.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await;
    }
    match ask(client, &query, &parameters).await {
        Ok(mut observation) => {
            if let (Some(_), Value::Array(rows)) = (&statements, &observation.main) {
                let calls: i64 = rows.iter().filter_map(|row| row["calls"].as_i64()).sum();
                observation.fields.insert("calls".into(), calls.into());
            }
            Ok(observation)
        }
        Err(error) if statements.is_some() && error.as_db_error().is_some() => {
            Err(Unobservable::Definition(format!("the server does not count statements: {}", words(&error))))
        }
        // The server refused the statement: that is an answer.
        Err(error) => match error.as_db_error() {
            Some(refused) => Ok(Observation::new(
                json!({ "error": refused.message(), "code": refused.code().code(), "count": 0 }),
                Value::Null,
            )),
            None => Err(failed(format!("PostgreSQL does not answer: {}", words(&error)))),
        },
    }
}

/// Who asks which database.
#[derive(Debug, Clone, Default)]
pub(in crate::check) struct Login {
    pub user: String,
    pub password: String,
    pub database: String,
}

impl Login {
    /// What the image was told is what it lets in (hub.docker.com/_/postgres, "Environment Variables").
    pub(in crate::check) fn told(service: &Service) -> Self {
        let told = |name: &str| service.environment.get(name).cloned();
        let user = told("POSTGRES_USER").unwrap_or_else(|| "postgres".into());
        let password = told("POSTGRES_PASSWORD").unwrap_or_default();
        Self { database: told("POSTGRES_DB").unwrap_or_else(|| user.clone()), user, password }
    }

    /// The same for another database.
    pub(in crate::check) fn of(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }
}

/// A connection, closed when it is dropped.
pub(in crate::check) struct Session {
    client: Client,
    driving: tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl Session {
    /// # Errors
    /// The server does not let this login in; in words.
    pub(in crate::check) async fn connect(address: SocketAddr, login: &Login) -> Result<Self, String> {
        let Login { user, password, database } = login;
        let mut config = Config::new();
        config.host(address.ip().to_string()).port(address.port()).user(user).password(password).dbname(database);
        let connected = config.connect(NoTls).await;
        let (client, connection) = connected
            .map_err(|error| format!("PostgreSQL does not let `{user}` into `{database}`: {}", words(&error)))?;
        Ok(Self { client, driving: tokio::spawn(connection) })
    }

    /// Statements without parameters, all answers as text.
    ///
    /// # Errors
    /// The server refuses one or does not answer; in words.
    pub(in crate::check) async fn run(&self, statements: &str) -> Result<Vec<SimpleQueryMessage>, String> {
        self.client.simple_query(statements).await.map_err(|error| words(&error))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

/// Statements of this database that look like `$1`; the probe's own are left out
/// (postgresql.org/docs/17/pgstatstatements.html).
const STATEMENTS: &str = "SELECT s.query, s.calls, s.rows FROM pg_stat_statements s \
     JOIN pg_database d ON d.oid = s.dbid \
     WHERE d.datname = current_database() AND s.query ILIKE $1 AND s.query NOT ILIKE '%pg_stat_statements%' \
     AND s.query NOT ILIKE '%labrunner_row%' ORDER BY s.calls DESC, s.query";

/// Statements that give rows and change nothing by themselves.
const ROWS: &[&str] = &["SELECT", "WITH", "VALUES", "TABLE"];

fn first_word(query: &str) -> String {
    query.trim_start().chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_uppercase()
}

async fn ask(client: &Client, query: &str, parameters: &[Parameter]) -> Result<Observation, tokio_postgres::Error> {
    let given: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|one| one as &(dyn ToSql + Sync)).collect();
    let word = first_word(query);
    if ROWS.contains(&word.as_str()) {
        // The server itself knows best how each of its types is written as JSON.
        let query = query.trim_end().trim_end_matches(';');
        let wrapped = format!("SELECT row_to_json(labrunner_row) FROM (\n{query}\n) AS labrunner_row");
        let rows = client.query(&wrapped, &given).await?;
        let rows: Vec<Value> = rows.iter().map(|row| row.get::<_, Json>(0).0).collect();
        let value = rows.first().and_then(Value::as_object).and_then(|row| row.values().next()).cloned();
        let fields = json!({ "count": rows.len(), "value": value, "error": null });
        return Ok(Observation::new(fields, rows.into()));
    }
    if matches!(word.as_str(), "EXPLAIN" | "SHOW") {
        let rows = client.query(query, &given).await?;
        let values: Vec<Value> = rows.iter().map(|row| row.get::<_, Json>(0).0).collect();
        // `EXPLAIN (FORMAT JSON)` is one document in a list of one.
        let main = match values.as_slice() {
            [Value::Array(plan)] => plan.first().cloned().unwrap_or(Value::Null),
            _ => Value::Array(values.clone()),
        };
        let fields = json!({ "count": values.len(), "value": values.first(), "error": null });
        return Ok(Observation::new(fields, main));
    }
    let affected = client.execute(query, &given).await?;
    Ok(Observation::new(json!({ "count": affected, "affected": affected, "error": null }), Value::Null))
}

fn words(error: &tokio_postgres::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

/// A parameter, sent as text: the server reads it as whatever type the statement asks for.
#[derive(Debug)]
struct Parameter(Option<String>);

impl Parameter {
    fn new(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A column of JSON, or of text that may be none.
struct Json(Value);

impl<'a> FromSql<'a> for Json {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let text = String::from_utf8_lossy(raw).into_owned();
        Ok(Self(serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::JSON | Type::TEXT | Type::VARCHAR | Type::NAME)
    }
}
