//! What the environment says.

use std::net::SocketAddr;
use std::time::Duration;

/// Settings of the service.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `CONTENT_API_LISTEN`: where it listens.
    pub(crate) listen: SocketAddr,
    /// `PICTURES_URL`: the picture service.
    pub(crate) pictures: String,
    /// `KAFKA_BROKERS`: where review tasks go.
    pub(crate) brokers: String,
    /// `REVIEW_TOPIC`: the topic of review tasks.
    pub(crate) topic: String,
    /// `CALL_TIMEOUT_MS`: how long a call or a message to Kafka may take.
    pub(crate) timeout: Duration,
}

impl Settings {
    /// Errors: which variable is wrong, and what is allowed.
    pub(crate) fn from_environment() -> Result<Settings, String> {
        let variable = |name: &str, default: &str| {
            std::env::var(name).ok().filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
        };
        let listen = variable("CONTENT_API_LISTEN", "127.0.0.1:7081");
        let timeout = variable("CALL_TIMEOUT_MS", "5000");
        let pictures = variable("PICTURES_URL", "http://127.0.0.1:7082");
        if !pictures.starts_with("http://") {
            return Err(format!("PICTURES_URL is {pictures:?}, allowed is http://HOST:PORT"));
        }
        Ok(Settings {
            listen: listen
                .parse()
                .map_err(|_| format!("CONTENT_API_LISTEN is {listen:?}, allowed is ADDRESS:PORT"))?,
            pictures: pictures.trim_end_matches('/').to_owned(),
            brokers: variable("KAFKA_BROKERS", "127.0.0.1:19092"),
            topic: variable("REVIEW_TOPIC", "review-tasks"),
            timeout: timeout
                .parse()
                .ok()
                .filter(|millis| (1..=3_600_000).contains(millis))
                .map(Duration::from_millis)
                .ok_or_else(|| {
                    format!("CALL_TIMEOUT_MS is {timeout:?}, allowed are 1 to 3600000 milliseconds")
                })?,
        })
    }
}
