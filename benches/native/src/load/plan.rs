//! What is to be sent, as the harness writes it.

use std::time::Duration;

use serde::Deserialize;

/// The request of every connection, and for how long to send it.
#[derive(Deserialize)]
pub(crate) struct Plan {
    /// `host:port`.
    pub(crate) address: String,
    pub(crate) connections: u32,
    pub(crate) seconds: f64,
    /// The request line and the header fields, each ending in CRLF; the length is added.
    pub(crate) head: String,
    /// The body. In it, `{token}` is the connection's own token, and `{number}` a number of eight digits
    /// that no other request of this run carries.
    pub(crate) body: String,
    /// The tokens, one for each connection: spent with each request, and replaced by the string that
    /// the answer holds under `chain`.
    #[serde(default)]
    pub(crate) tokens: Vec<String>,
    #[serde(default)]
    pub(crate) chain: String,
    /// What `{next}` in the head stands for: one after the other, from the start again after the last.
    #[serde(default)]
    pub(crate) cycle: Vec<String>,
    /// Statuses that are answers; anything else is a failure.
    pub(crate) expect: Vec<u16>,
    /// Requests per second of all connections together; without it, each sends as soon as it is answered.
    pub(crate) rate: Option<f64>,
    /// Seconds to wait after a failed answer instead of counting it as one: for a flood that is turned
    /// away and comes back.
    pub(crate) come_back_after: Option<f64>,
}

impl Plan {
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// The time between two requests of one connection.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.rate
            .map(|rate| Duration::from_secs_f64(f64::from(self.connections) / rate))
    }

    /// A request as it is sent. The buffer is written over.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>, token: &str, number: u64) {
        buffer.clear();
        let mut body = self.body.as_str();
        let filled;
        if body.contains('{') {
            filled = body
                .replace("{token}", token)
                .replace("{number}", &format!("{number:08}"));
            body = &filled;
        }
        match self.next(number) {
            Some(next) => buffer.extend_from_slice(self.head.replace("{next}", next).as_bytes()),
            None => buffer.extend_from_slice(self.head.as_bytes()),
        }
        if self.head.starts_with("POST ") {
            buffer.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        buffer.extend_from_slice(b"\r\n");
        buffer.extend_from_slice(body.as_bytes());
    }

    fn next(&self, number: u64) -> Option<&str> {
        let length = u64::try_from(self.cycle.len()).unwrap_or(u64::MAX);
        let place = number.checked_rem(length)?;
        let place = usize::try_from(place).ok()?;
        self.cycle.get(place).map(String::as_str)
    }

    /// Whether every request of a connection is the same.
    pub(crate) fn is_constant(&self) -> bool {
        !self.body.contains('{') && self.cycle.is_empty()
    }
}
