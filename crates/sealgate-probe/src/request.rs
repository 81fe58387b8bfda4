//! What is sent. A request knows how to show itself without its secrets.

use std::fmt::{self, Debug, Display, Formatter};

/// Over what a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A request and its answer.
    Http,
    /// A WebSocket handshake.
    Websocket,
}

/// A header: what is sent, and what is shown of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// What is sent. It may be somebody's credential, and is never printed.
    pub value: String,
    /// What stands for the value where people read: its kind, as in `Bearer <garbage>`.
    pub shown: String,
}

impl Header {
    /// A header whose value is no secret.
    pub fn plain(name: &str, value: &str) -> Self {
        Self::hidden(name, value, value)
    }

    /// A header of which only `shown` is ever printed.
    pub fn hidden(name: &str, value: &str, shown: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            shown: shown.to_owned(),
        }
    }
}

impl Debug for Header {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.shown)
    }
}

/// A body and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its content type.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A parameter of the query: what is sent, and what is shown of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// Its name.
    pub name: String,
    /// What is sent, not encoded yet.
    pub value: String,
    /// What stands for the value where people read.
    pub shown: String,
}

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Over what it goes.
    pub channel: Channel,
    /// Its method; `GET` for a WebSocket handshake.
    pub method: String,
    /// Its path as it goes over the wire, percent-encoded, beginning with `/`.
    pub path: String,
    /// The parameters of its query.
    pub query: Vec<Pair>,
    /// Its headers. Without a `Host` among them, the transport's own.
    pub headers: Vec<Header>,
    /// Its body, if it has one.
    pub body: Option<Body>,
}

impl Request {
    /// A request without query, headers and body.
    pub fn new(channel: Channel, method: &str, path: &str) -> Self {
        Self {
            channel,
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// The query as it goes over the wire; empty without one.
    pub fn query_text(&self) -> String {
        self.joined(|pair| &pair.value)
    }

    /// Puts a header in place of those of its name.
    #[must_use]
    pub fn with(mut self, header: Header) -> Self {
        self.headers
            .retain(|other| !other.name.eq_ignore_ascii_case(&header.name));
        self.headers.push(header);
        self
    }

    /// Puts a parameter into the query in place of those of its name.
    #[must_use]
    pub fn with_pair(mut self, name: &str, value: &str, shown: &str) -> Self {
        self.query.retain(|other| other.name != name);
        self.query.push(Pair {
            name: name.to_owned(),
            value: value.to_owned(),
            shown: shown.to_owned(),
        });
        self
    }

    /// Adds a cookie to those that it has.
    #[must_use]
    pub fn with_cookie(mut self, name: &str, value: &str, shown: &str) -> Self {
        let (value, shown) = (format!("{name}={value}"), format!("{name}={shown}"));
        let cookies = self
            .headers
            .iter_mut()
            .find(|header| header.name.eq_ignore_ascii_case("cookie"));
        match cookies {
            Some(header) => {
                header.value = format!("{}; {value}", header.value);
                header.shown = format!("{}; {shown}", header.shown);
            }
            None => self.headers.push(Header::hidden("Cookie", &value, &shown)),
        }
        self
    }

    fn joined<'a>(&'a self, part: impl Fn(&'a Pair) -> &'a str) -> String {
        let pairs = self
            .query
            .iter()
            .map(|pair| format!("{}={}", encode(&pair.name), encode(part(pair))));
        pairs.collect::<Vec<_>>().join("&")
    }
}

impl Display for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.channel {
            Channel::Http => f.write_str(&self.method)?,
            Channel::Websocket => f.write_str("WEBSOCKET")?,
        }
        write!(f, " {}", self.path)?;
        for (at, pair) in self.query.iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            write!(f, "{mark}{}={}", pair.name, pair.shown)?;
        }
        for (at, header) in self.headers.iter().enumerate() {
            let joint = if at == 0 { " with" } else { " and" };
            write!(f, "{joint} {}: {}", header.name, header.shown)?;
        }
        Ok(())
    }
}

impl Debug for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 and `/`, which a path parameter may hold
/// and a query may, too (section 3.4).
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_the_kinds_of_its_secrets_and_never_themselves() {
        let request = Request::new(Channel::Http, "GET", "/items/1")
            .with(Header::hidden(
                "Authorization",
                "Bearer s3cret",
                "Bearer <ada>",
            ))
            .with_cookie("session", "s3cret", "<garbage>")
            .with_cookie("other", "s3cret", "<ada>")
            .with_pair("token", "s3cret", "<ada>");
        for shown in [format!("{request}"), format!("{request:?}")] {
            assert_eq!(
                shown,
                "GET /items/1?token=<ada> with Authorization: Bearer <ada> and Cookie: \
                 session=<garbage>; other=<ada>"
            );
        }
        assert_eq!(request.query_text(), "token=s3cret");
        assert_eq!(request.headers[1].value, "session=s3cret; other=s3cret");
    }

    #[test]
    fn what_would_end_a_path_or_a_query_is_encoded() {
        assert_eq!(encode("a b?c&d/é"), "a%20b%3Fc%26d/%C3%A9");
    }
}
