//! HTTP clients of checks.

use reqwest::{Client, ClientBuilder};

/// Begins a client for URLs of this scheme. It trusts the certificates of this machine where TLS is spoken. Where it is
/// not, they are not read: there are hundreds, and each client would read them anew, which takes longer than a request.
pub(super) fn builder(scheme: &str) -> ClientBuilder {
    let builder = Client::builder().no_proxy();
    if scheme == "https" { builder } else { builder.tls_certs_only([]) }
}
