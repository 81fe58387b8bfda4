//! Sending what is planned, a few at a time and within limits.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use sealgate_probe::{Answer, Campaign, Probe};
use tokio::time::Instant;

use super::child::Child;
use super::http::Http;
use crate::routes::progress::Line;

/// What may be used up.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How long all of it may take.
    pub(super) budget: Duration,
    /// How many requests may be sent.
    pub(super) requests: usize,
    /// How many may be open at once.
    pub(super) at_once: usize,
}

/// How requests get to the application.
pub(super) enum Transport {
    Child(Box<Child>),
    Http(Box<Http>),
}

impl Transport {
    async fn send(&self, probe: &Probe) -> Answer {
        match self {
            Self::Child(child) => child.send(&probe.request).await,
            Self::Http(http) => http.send(&probe.request).await,
        }
    }

    /// Ends what was started.
    pub(super) async fn stop(self) {
        if let Self::Child(child) = self {
            child.stop().await;
        }
    }
}

/// Runs the campaign to its end. What the limits leave unsent is answered so, which proves nothing.
pub(super) async fn work(campaign: &mut Campaign, transport: &Transport, limits: Limits) {
    let line = Line::new();
    let end = Instant::now() + limits.budget;
    let mut sent = 0;
    loop {
        let mut waiting: VecDeque<Probe> = campaign.next_stage().into();
        if waiting.is_empty() {
            return;
        }
        let mut open = FuturesUnordered::new();
        loop {
            while open.len() < limits.at_once {
                let Some(probe) = waiting.pop_front() else {
                    break;
                };
                if sent >= limits.requests || Instant::now() >= end {
                    let why = "not sent: the limit of this run was reached";
                    campaign.answered(probe.id, &Answer::failed(why));
                    continue;
                }
                sent += 1;
                open.push(async move {
                    let answer = transport.send(&probe).await;
                    (probe.id, answer)
                });
            }
            let Some((id, answer)) = open.next().await else {
                break;
            };
            waiting.extend(campaign.answered(id, &answer));
            line.say(&format!("asked {sent} of {} requests", campaign.count()));
        }
    }
}
