//! Where the browser comes back to: a listener on this machine's loopback that takes one answer (RFC 8252, 7.3).

use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use sealgate_model::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::Url;

use crate::failure::Failure;
use crate::screen;

/// How long a person may take to sign in.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long one connection may take to say what it wants.
const CONNECTION: Duration = Duration::from_secs(5);

/// How many connections are listened to at once.
const TALKING: usize = 256;

/// The longest request that is read, in bytes.
const LIMIT: usize = 16 * 1024;

/// The path that the browser comes back to. A client is registered with it, on any port.
pub(super) const PATH: &str = "/callback";

/// A listener on a port that the system chose.
pub(super) struct Listener {
    socket: TcpListener,
    port: u16,
}

impl Listener {
    pub(super) async fn open() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::unavailable(
                "listener_failed",
                format!("cannot listen on 127.0.0.1: {error}"),
            )
        };
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        Ok(Self { socket, port })
    }

    pub(super) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Waits for the answer to the sign-in at `url`, and gives the URL that the browser was sent to. Any
    /// page and any program of this machine can connect here; what does not know the sign-in's state is
    /// no answer, and does not end the waiting.
    pub(super) async fn answer(&self, url: &str) -> Result<Secret, Failure> {
        let state = parameter(url, "state").unwrap_or_default();
        let waiting = async {
            // All at once: one that connects and says nothing does not keep the browser waiting.
            let mut talking = FuturesUnordered::new();
            loop {
                tokio::select! {
                    Ok((stream, _)) = self.socket.accept(), if talking.len() < TALKING => {
                        talking.push(timeout(CONNECTION, self.talk(stream, &state)));
                    }
                    Some(answered) = talking.next() => {
                        if let Ok(Some(answer)) = answered {
                            return answer;
                        }
                    }
                    // Only where the system refuses connections.
                    else => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        timeout(PATIENCE, waiting).await.map_err(|_| {
            Failure::refused("login_late", "nobody signed in within ten minutes")
                .with_hint("run it again; on a machine without a browser give --device")
        })
    }

    async fn talk(&self, mut stream: TcpStream, state: &str) -> Option<Secret> {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut buffer = [0; 2048];
            let count = stream.read(&mut buffer).await.ok()?;
            request.extend_from_slice(&buffer[..count]);
            if count == 0 || request.len() > LIMIT {
                return None;
            }
        }
        let target = self.target(&request);
        let answer = target.filter(|target| {
            let said = parameter(&format!("http://127.0.0.1{target}"), "state");
            // The hashes are compared, so that the time tells nothing.
            said.is_some_and(|said| {
                sealgate_host::sha256(said.as_bytes()) == sealgate_host::sha256(state.as_bytes())
            })
        });
        let (status, page) = match &answer {
            None => ("404 Not Found", "There is nothing here."),
            Some(target) if parameter(&format!("http://127.0.0.1{target}"), "error").is_some() => (
                "200 OK",
                "The sign-in did not go through. The terminal says more; this page may be closed.",
            ),
            Some(_) => ("200 OK", "Go on at the terminal. This page may be closed."),
        };
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sealgate</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><p>{page}</p></html>\n"
        );
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
             Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nConnection: close\r\n\r\n",
            page.len()
        );
        // The browser may be gone already; its answer counts all the same.
        let _ = stream.write_all(format!("{head}{page}").as_bytes()).await;
        let _ = stream.shutdown().await;
        answer.map(|target| Secret::new(format!("http://127.0.0.1:{}{target}", self.port)))
    }

    /// The target of a GET for our path, under our own name: a page elsewhere that resolves its name to
    /// this machine is none of ours.
    fn target(&self, request: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(request).ok()?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let path = target.split('?').next()?;
        let hosts = lines.filter_map(|line| line.split_once(':'));
        let mut hosts = hosts.filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        let host = hosts.next()?.1.trim().to_owned();
        let ours = host == format!("127.0.0.1:{}", self.port) && hosts.next().is_none();
        (method == "GET" && version.starts_with("HTTP/1.") && path == PATH && ours)
            .then(|| target.to_owned())
    }
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut found = url.query_pairs().filter(|(known, _)| known == name);
    found.next().map(|(_, value)| value.into_owned())
}

/// Shows the URL, and opens a browser with it unless `print` is all that is wanted.
pub(super) fn show(url: &str, print: bool) {
    screen::talk(&format!("Sign in at:\n\n  {}\n\n", screen::clean(url)));
    if print {
        return;
    }
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let opening = Command::new(program)
        .arg(url)
        // The browser and what it starts have no use for it.
        .env_remove(super::terminal::PASSPHRASE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if opening.is_err() {
        screen::talk("No browser could be opened: open the URL yourself.\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://id.example/authorize?client_id=c&state=right";

    async fn send(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn only_the_answer_to_this_sign_in_ends_the_waiting() {
        let listener = Listener::open().await.unwrap();
        let port = listener.port;
        let own = format!("Host: 127.0.0.1:{port}");
        let waiting = tokio::spawn(async move { listener.answer(URL).await.unwrap() });
        for wrong in [
            format!("GET /callback?code=x&state=wrong HTTP/1.1\r\n{own}\r\n\r\n"),
            format!("GET /callback?code=x HTTP/1.1\r\n{own}\r\n\r\n"),
            format!("GET /other?code=x&state=right HTTP/1.1\r\n{own}\r\n\r\n"),
            format!("POST /callback?code=x&state=right HTTP/1.1\r\n{own}\r\n\r\n"),
            "GET /callback?code=x&state=right HTTP/1.1\r\nHost: stranger.example\r\n\r\n"
                .to_owned(),
            format!("GET /callback?code=x&state=right HTTP/1.1\r\n{own}\r\nHost: b\r\n\r\n"),
            "GET /callback?code=x&state=right HTTP/1.1\r\n\r\n".to_owned(),
        ] {
            assert!(
                send(port, &wrong).await.starts_with("HTTP/1.1 404 "),
                "{wrong}"
            );
        }
        // One that says nothing, and one that says too much.
        drop(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        send(port, &"x".repeat(2 * LIMIT)).await;
        assert!(!waiting.is_finished());

        let answer = send(
            port,
            &format!("GET /callback?code=c1&state=right&iss=i HTTP/1.1\r\n{own}\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("may be closed") && answer.contains("Cache-Control: no-store"));
        // Nothing of the answer is on the page.
        assert!(!answer.contains("c1"));
        let answer = waiting.await.unwrap();
        assert_eq!(
            answer.expose(),
            format!("http://127.0.0.1:{port}/callback?code=c1&state=right&iss=i")
        );
        // It is over: nobody listens any more.
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    }

    #[tokio::test]
    async fn those_who_connect_and_say_nothing_keep_nobody_waiting() {
        let listener = Listener::open().await.unwrap();
        let port = listener.port;
        let waiting = tokio::spawn(async move { listener.answer(URL).await.unwrap() });
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        }
        let request =
            format!("GET /callback?code=c1&state=right HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        let answer = timeout(Duration::from_secs(3), send(port, &request)).await;
        assert!(answer.unwrap().contains("Go on at the terminal"));
        assert!(waiting.await.unwrap().expose().contains("code=c1"));
    }

    #[tokio::test]
    async fn a_sign_in_that_was_refused_is_an_answer_too() {
        let listener = Listener::open().await.unwrap();
        let port = listener.port;
        let waiting = tokio::spawn(async move { listener.answer(URL).await.unwrap() });
        let request = format!(
            "GET /callback?error=access_denied&state=right HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
        );
        assert!(send(port, &request).await.contains("did not go through"));
        assert!(
            waiting
                .await
                .unwrap()
                .expose()
                .contains("error=access_denied")
        );
    }
}
