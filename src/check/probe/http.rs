//! `http`: one request, redirects within the lab followed.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use reqwest::cookie::CookieStore;
use reqwest::{Method, Url};
use serde_json::{Map, Value, json};

use super::{Fields, Session, wrong};
use crate::check::client;
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::ServiceName;
use crate::lab::check::Target;

/// Largest body that is read, in bytes.
const BODY: usize = 8 << 20;
const REDIRECTS: usize = 10;

/// Host, port and URL of a text.
pub(super) fn target(url: &str) -> Result<(String, u16, Url), Unobservable> {
    let bad = |why: String| Unobservable::Definition(format!("`{url}` is no URL of a service: {why}"));
    // A host that ends in a number would be read as an address (WHATWG URL, "ends-in-a-number checker"); here it is a
    // replica, which goes by the name of its service.
    let replica = replica(url);
    let plain = replica.as_ref().and_then(|(service, named)| Some((url.split_once(named)?, service)));
    let plain = plain.map(|((before, after), service)| format!("{before}{service}{after}"));
    let parsed = Url::parse(plain.as_deref().unwrap_or(url)).map_err(|error| bad(error.to_string()))?;
    let host = replica.as_ref().map(|(_, named)| *named).or(parsed.host_str());
    let host = host.ok_or_else(|| bad("it has no host".into()))?.to_owned();
    let port = parsed.port_or_known_default().ok_or_else(|| bad("it has no port".into()))?;
    Ok((host, port, parsed))
}

/// The service, and the service with the replica's number, where a URL names a replica (`http://web.2:8000/`).
fn replica(url: &str) -> Option<(ServiceName, &str)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let (service, number) = Target::parse(host)?;
    let address = host.parse::<std::net::IpAddr>().is_ok();
    (!address && number.is_some()).then_some((service, host))
}

/// A request with the headers that the step names. It may be sent to another port, where that one leads to the
/// URL's; whoever gets it sees the URL's own.
pub(super) fn request(
    client: &reqwest::Client,
    method: Method,
    url: &Url,
    port: u16,
    fields: &Fields<'_>,
) -> Result<reqwest::RequestBuilder, Unobservable> {
    let mut there = url.clone();
    let headers = fields.pairs("headers")?;
    let moved = url.port_or_known_default() != Some(port) && there.set_port(Some(port)).is_ok();
    let mut request = client.request(method, there).query(&fields.pairs("query")?);
    if moved && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", url.authority().rsplit('@').next().unwrap_or_default());
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    Ok(request)
}

pub(super) async fn observe<W: World>(
    fields: &Fields<'_>,
    world: &W,
    session: &Session,
    limit: Duration,
) -> Result<Observation, Unobservable> {
    let began = Instant::now();
    let (mut host, mut port, mut url) = target(&fields.required("url")?)?;
    let method = fields.text("method")?.unwrap_or_else(|| "GET".into());
    let mut method =
        Method::from_bytes(method.as_bytes()).map_err(|_| wrong("method", "an HTTP method", &method.into()))?;
    let follow = fields.flag("follow", true)?;
    // Whoever names them alone sends them.
    let named = fields.pairs("headers")?.iter().any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let cookies = fields.flag("cookies", true)?;
    let mut redirects = 0;
    loop {
        let asked = ServiceName::new(&host).map_err(|error| Unobservable::Definition(error.to_string()))?;
        // Whoever asks a replica asks its service.
        let service = match Target::parse(&host) {
            Some((service, Some(_))) if !world.services().contains_key(&asked) => service,
            _ => asked.clone(),
        };
        let failed = |what: String| Unobservable::Service { service: service.clone(), what };
        let address = world.address(&asked, port).await?;
        let name = url.host_str().unwrap_or(&host);
        let client = client(&url, name, address, session)?;
        let mut request = request(&client, method.clone(), &url, address.port(), fields)?.timeout(limit);
        if let Some(cookies) = (cookies && !named).then(|| session.cookies.cookies(&url)).flatten() {
            request = request.header("cookie", cookies);
        }
        if let Some((user, password)) = fields.text("auth")?.as_deref().and_then(|auth| auth.split_once(':')) {
            request = request.basic_auth(user, Some(password));
        }
        if redirects == 0 || !matches!(method, Method::GET | Method::HEAD) {
            request = body(request, fields, world)?;
        }
        let response = request.send().await.map_err(|error| sent(&error, &service, limit, &url))?;
        if cookies {
            session.cookies.set_cookies(&mut response.headers().get_all("set-cookie").iter(), &url);
        }
        let status = response.status();
        if follow && status.is_redirection() && redirects < REDIRECTS {
            let location = response.headers().get("location").and_then(|value| value.to_str().ok());
            if let Some(next) = location.and_then(|location| url.join(location).ok()) {
                let inside = next.host_str().is_some_and(|host| world.services().contains_key(host));
                if inside {
                    (host, port, url) = target(next.as_str())?;
                    // RFC 9110, 15.4: 307 and 308 keep the method, all others become GET in practice.
                    if !matches!(status.as_u16(), 307 | 308) && method != Method::HEAD {
                        method = Method::GET;
                    }
                    redirects += 1;
                    continue;
                }
            }
        }
        return finish(response, &url, redirects, began, failed).await;
    }
}

/// A client for one address. It keeps no connection: each request shows the service as it is.
fn client(url: &Url, host: &str, address: SocketAddr, session: &Session) -> Result<reqwest::Client, Unobservable> {
    let key = (url.scheme().to_owned(), host.to_owned(), address);
    let mut clients = session.clients.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&key) {
        return Ok(client.clone());
    }
    let client = client::builder(url.scheme())
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .resolve(host, address);
    let client = client.build().map_err(|error| Unobservable::Machine(format!("no HTTP client: {error}")))?;
    clients.insert(key, client.clone());
    Ok(client)
}

fn sent(error: &reqwest::Error, service: &ServiceName, limit: Duration, url: &Url) -> Unobservable {
    if error.is_timeout() {
        return Unobservable::TimedOut { service: Some(service.clone()), after: limit };
    }
    if error.is_builder() {
        return Unobservable::Definition(format!("the request cannot be made: {}", causes(error)));
    }
    Unobservable::Service { service: service.clone(), what: format!("{url} does not answer: {}", causes(error)) }
}

pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        last = inner.to_string();
        cause = inner.source();
    }
    last
}

fn body<W: World>(
    request: reqwest::RequestBuilder,
    fields: &Fields<'_>,
    world: &W,
) -> Result<reqwest::RequestBuilder, Unobservable> {
    if let Some(value) = fields.get("json") {
        return Ok(request.json(value));
    }
    if let Some(text) = fields.text("body")? {
        return Ok(request.body(text));
    }
    if fields.get("form").is_some() {
        return Ok(request.form(&fields.pairs("form")?));
    }
    let Some(parts) = fields.get("multipart") else { return Ok(request) };
    let parts = parts.as_object().ok_or_else(|| wrong("multipart", "a map", parts))?;
    let mut form = reqwest::multipart::Form::new();
    for (name, part) in parts {
        form = form.part(name.clone(), multipart(part, world)?);
    }
    Ok(request.multipart(form))
}

fn multipart<W: World>(part: &Value, world: &W) -> Result<reqwest::multipart::Part, Unobservable> {
    let Value::Object(map) = part else {
        return Ok(reqwest::multipart::Part::text(part.as_str().map_or_else(|| part.to_string(), str::to_owned)));
    };
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let bytes = match (text("content"), text("file")) {
        (Some(content), _) => content.as_bytes().to_vec(),
        (None, Some(file)) => std::fs::read(super::of_lab(world.lab_folder(), file)?)
            .map_err(|error| Unobservable::Definition(format!("cannot read `{file}` of the lab: {error}")))?,
        (None, None) => return Err(Unobservable::Definition("a part of `multipart` needs `content` or `file`".into())),
    };
    let mut made = reqwest::multipart::Part::bytes(bytes);
    if let Some(name) = text("filename") {
        made = made.file_name(name.to_owned());
    }
    match text("content_type") {
        Some(kind) => made.mime_str(kind).map_err(|_| Unobservable::Definition(format!("`{kind}` is no content type"))),
        None => Ok(made),
    }
}

async fn finish(
    mut response: reqwest::Response,
    url: &Url,
    redirects: usize,
    began: Instant,
    failed: impl Fn(String) -> Unobservable,
) -> Result<Observation, Unobservable> {
    let status = response.status().as_u16();
    let headers: Map<String, Value> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned().into()))
        .collect();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) => return Err(failed(format!("the answer of {url} broke off: {}", causes(&error)))),
        }
        if bytes.len() > BODY {
            return Err(failed(format!("the answer of {url} is larger than {} MiB", BODY >> 20)));
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let main = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let fields = json!({
        "status": status,
        "headers": headers,
        "body": text,
        "size": bytes.len(),
        "duration": began.elapsed().as_secs_f64(),
        "url": url.as_str(),
        "redirects": redirects,
    });
    Ok(Observation::new(fields, main))
}
