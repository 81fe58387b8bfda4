//! The handshake of a WebSocket, RFC 6455, and how it goes on when it is accepted.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use sealgate_probe::Answer;
use tokio::io::AsyncReadExt as _;

use super::http::told;

/// How long an accepted connection is listened to: long enough to be closed at once.
const LISTEN: Duration = Duration::from_millis(300);

/// The nonce of section 1.3. Nothing depends on it: what the server makes of it is not looked at.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The opcode of a frame that closes, section 5.5.1.
const CLOSE: u8 = 0x8;

/// Makes a request the opening of a WebSocket.
pub(super) fn handshake(request: RequestBuilder) -> RequestBuilder {
    request
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", KEY)
}

/// What the response says, and what is sent first where it accepts.
pub(super) async fn answer(response: Response) -> Answer {
    if response.status().as_u16() != 101 {
        return told(&response);
    }
    let mut answer = Answer {
        accepted: true,
        ..Answer::default()
    };
    let Ok(mut connection) = response.upgrade().await else {
        return answer;
    };
    let mut frame = [0; 4];
    let heard = tokio::time::timeout(LISTEN, connection.read_exact(&mut frame)).await;
    if let Ok(Ok(_)) = heard {
        (answer.closed, answer.sent) = first(frame);
    }
    answer
}

/// What the first frame of a server is: the code that it closes with, or something that it sends. Servers do not mask.
fn first(frame: [u8; 4]) -> (Option<u16>, bool) {
    let [head, length, high, low] = frame;
    if head & 0x0f != CLOSE {
        return (None, true);
    }
    let code = u16::from_be_bytes([high, low]);
    (Some(if length < 2 { 1005 } else { code }), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_closes_or_says_something() {
        assert_eq!(first([0x88, 2, 0x03, 0xf0]), (Some(1008), false));
        assert_eq!(first([0x81, 5, b'h', b'e']), (None, true));
    }
}
