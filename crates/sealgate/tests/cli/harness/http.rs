//! HTTP/1.1 over one connection per request, small enough to read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use super::Server;
use super::tls::Certificate;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: body.to_owned(),
        }
    }
}

/// An open revocation feed.
pub(crate) struct Stream(TcpStream);

impl Stream {
    pub(crate) fn read_to_end(mut self) {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
    }
}

impl Server {
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], b"")
    }

    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let length = body.len().to_string();
        let all = [headers, &[("Content-Length", &length)]].concat();
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        talk(&mut stream, &self.head(method, target, &all), body)
    }

    pub(crate) fn send_chunked(
        &self,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let all = [headers, &[("Transfer-Encoding", "chunked")]].concat();
        let mut chunked = format!("{:x}\r\n", body.len()).into_bytes();
        chunked.extend_from_slice(body);
        chunked.extend_from_slice(b"\r\n0\r\n\r\n");
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        talk(&mut stream, &self.head("POST", target, &all), &chunked)
    }

    pub(crate) fn get_tls(&self, target: &str, certificate: &Certificate) -> Answer {
        let mut stream = certificate.connect(self.authority());
        talk(&mut stream, &self.head("GET", target, &[]), b"")
    }

    /// Opens the feed as `client`, from where it stands, and waits for its first message.
    pub(crate) fn open_feed(&self, client: &str, secret: &str) -> Stream {
        use base64::Engine as _;
        let credentials =
            base64::engine::general_purpose::STANDARD.encode(format!("{client}:{secret}"));
        let basic = format!("Basic {credentials}");
        let credentials = [("Authorization", basic.as_str())];
        let snapshot = self.send("GET", "/feed/snapshot", &credentials, b"");
        assert_eq!(snapshot.status, 200, "{}", snapshot.body);
        let (epoch, after) = snapshot
            .header("etag")
            .unwrap()
            .trim_matches('"')
            .rsplit_once('.')
            .unwrap();
        let target = format!("/feed/events?epoch={epoch}&after={after}");
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        stream
            .write_all(self.head("GET", &target, &credentials).as_bytes())
            .unwrap();
        let mut seen = Vec::new();
        while !seen.windows(10).any(|window| window == b"event: set") {
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..count]);
        }
        Stream(stream)
    }

    /// Begins a request, sends a part of its body and leaves it open.
    pub(crate) fn begin(&self, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Begun {
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        let head = self.head("POST", target, headers);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        Begun(stream)
    }

    /// What the administration socket answers.
    pub(crate) fn get_admin(&self, data: &Path, target: &str) -> Answer {
        let mut stream = UnixStream::connect(data.join("admin.sock")).unwrap();
        talk(&mut stream, &self.head("GET", target, &[]), b"")
    }

    /// Whether a new connection is taken.
    pub(crate) fn takes_connections(&self) -> bool {
        TcpStream::connect(self.authority()).is_ok()
    }

    fn head(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let (host, lines) = (self.authority(), lines.concat());
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n")
    }
}

/// A request of which a part is sent.
pub(crate) struct Begun(TcpStream);

impl Begun {
    /// Sends the rest and reads the answer.
    pub(crate) fn finish(mut self, rest: &[u8]) -> Answer {
        talk(&mut self.0, "", rest)
    }
}

/// What `http://host:port/path` answers.
pub(crate) fn fetch(url: &str) -> Answer {
    let (authority, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let head = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    talk(&mut TcpStream::connect(authority).unwrap(), &head, b"")
}

/// Sends a request and reads the whole answer. A server that refuses before it has read the body
/// closes while we still write.
fn talk(stream: &mut (impl Read + Write), head: &str, body: &[u8]) -> Answer {
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body).and_then(|()| stream.flush());
    let mut answer = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return Answer::parse(&answer),
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
        }
    }
}
