//! Kinds that speak to a service over the network.

use super::{Reference, optional, required, seen};

pub(super) const HTTP: Reference = Reference {
    about: "One request to a service of the lab. Redirects are followed inside the lab, cookies are kept for the check.",
    fields: &[
        required("url", "with a service as its host: `http://web:8000/orders`"),
        optional("method", "in capitals; `GET` unless told"),
        optional("headers", "a map"),
        optional("query", "a map, appended to the address"),
        optional("json", "sent as the body, with its content type"),
        optional("body", "sent as it is"),
        optional("form", "a map, sent as a form"),
        optional(
            "multipart",
            "a map of parts: a text, or `content` or `file` (of the lab) with `filename` and `content_type`",
        ),
        optional("auth", "`user:password`"),
        optional("follow", "`false` leaves redirects to the check"),
        optional("cookies", "`false` sends and keeps none"),
    ],
    choices: &[],
    observed: &[
        seen("status", "the status code"),
        seen("headers", "by name, in lower case"),
        seen("body", "as text"),
        seen("size", "of the body, in bytes"),
        seen("duration", "seconds, redirects included"),
        seen("url", "where it ended"),
        seen("redirects", "how many were followed"),
    ],
    main: "the body, where it is JSON",
    unsaid: "`status` is below 400",
    example: "- http: { method: POST, url: \"http://web:8000/orders\", json: { amount: 7 } }\n  expect: { status: 202, \"$.id\": { type: string } }\n  capture: { order: \"$.id\" }",
};

pub(super) const TCP: Reference = Reference {
    about: "A connection to a port.",
    fields: &[
        required("address", "`service:port`"),
        optional("send", "a text that is sent first"),
        optional("read", "`true` reads what comes"),
    ],
    choices: &[],
    observed: &[
        seen("open", "whether somebody listens"),
        seen("received", "what came, as text"),
        seen("duration", "seconds"),
    ],
    main: "",
    unsaid: "`open` is true",
    example: "- tcp: { address: \"db:5432\" }\n  within: 10s",
};

pub(super) const LOAD: Reference = Reference {
    about: "Requests at a constant rate, whatever the answers take; or the learner's Locust plan. Each latency counts from \
            the moment the request was due, so that a server that stalls cannot hide it by being asked less.",
    fields: &[
        optional("url", "as in `http`"),
        optional("method", "in capitals; `GET` unless told"),
        optional("headers", "a map"),
        optional("query", "a map, appended to the address"),
        optional("json", "sent as the body of each request"),
        optional("rate", "requests per second, at most 10000"),
        optional("duration", "how long, for example `10s`"),
        optional("locust", "the plan's file inside the service's container, run headless"),
        optional("service", "where the plan is run"),
        optional("users", "of the plan; 1 unless told"),
        optional("spawn_rate", "users per second; all at once unless told"),
        optional("host", "what the plan is run against"),
    ],
    choices: &["url", "locust"],
    observed: &[
        seen("requests", "how many were sent"),
        seen("errors", "no answer, or a status of 400 and above"),
        seen("error_rate", "their share, 0 to 1"),
        seen("rate", "requests per second that were really sent"),
        seen("unanswered", "requests without any answer"),
        seen("code", "Locust's exit code"),
        seen("p50", "half of the requests took at most so many seconds"),
        seen("p90", "seconds"),
        seen("p95", "seconds"),
        seen("p99", "seconds"),
        seen("max", "seconds"),
        seen("words", "what went wrong"),
    ],
    main: "`statuses`: how often each status came; for Locust its own list of statistics",
    unsaid: "`errors` is 0",
    example: "- load: { url: \"http://web:8000/\", rate: 50, duration: 10s }\n  expect: { p95: { lt: 0.5 } }",
};

pub(super) const MAIL: Reference = Reference {
    about: "Messages in the lab's mail catcher.",
    fields: &[
        optional("service", "the mail catcher"),
        optional("to", "only messages to this address"),
        optional("from", "only messages from this address"),
        optional("subject", "only messages whose subject contains this"),
    ],
    choices: &[],
    observed: &[seen("count", "how many there are")],
    main: "a list of messages: from, to, subject, text, html",
    unsaid: "",
    example: "- mail: { to: \"${random.email}\" }\n  within: 10s\n  expect: { count: 1 }",
};
