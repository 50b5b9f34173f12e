//! RabbitMQ's management API: what AMQP cannot tell.

use serde_json::Value;

use crate::check::client;

/// Where it is and who asks. `vhost` is written as in a URI.
pub(super) struct Management {
    pub base: String,
    pub user: String,
    pub password: String,
    pub vhost: String,
}

impl Management {
    /// One document below `/api/`; `{vhost}` in the path is the connection's.
    ///
    /// # Errors
    /// No answer, or none with a document; in words.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        let url = format!("{}/api/{}", self.base, path.replace("{vhost}", &self.vhost));
        let client = client::builder("http").build().map_err(|error| error.to_string())?;
        let asked = client.get(&url).basic_auth(&self.user, Some(&self.password)).send().await;
        let answer = asked.and_then(reqwest::Response::error_for_status).map_err(|error| {
            format!("the management API does not answer ({error}); the image needs the management plugin")
        })?;
        answer.json().await.map_err(|error| format!("the management API does not answer with JSON: {error}"))
    }
}
