//! A reader of server-sent events.

use std::collections::VecDeque;

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt as _;

/// Server-sent events, one at a time.
pub(super) struct Lines {
    body: Body,
    text: String,
    ready: VecDeque<Set>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Set {
    pub(super) event: String,
    pub(super) id: String,
    pub(super) data: String,
}

impl Lines {
    pub(super) fn of(response: Response) -> Self {
        Self {
            body: response.into_body(),
            text: String::new(),
            ready: VecDeque::new(),
        }
    }

    pub(super) async fn next(&mut self) -> Option<Set> {
        loop {
            if let Some(set) = self.ready.pop_front() {
                return Some(set);
            }
            let bytes = self.body.frame().await?.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
            while let Some(end) = self.text.find("\n\n") {
                let mut set = Set::default();
                for line in self.text[..end].lines() {
                    match line.split_once(": ").unwrap() {
                        ("event", value) => value.clone_into(&mut set.event),
                        ("id", value) => value.clone_into(&mut set.id),
                        ("data", value) => value.clone_into(&mut set.data),
                        other => panic!("{other:?}"),
                    }
                }
                self.text.drain(..end + 2);
                self.ready.push_back(set);
            }
        }
    }
}
