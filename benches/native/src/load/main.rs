//! Load on one address: so many connections, one request under way on each, and how long the answers
//! took.
//!
//! It reads a plan as JSON on stdin and prints one line of JSON.

mod answer;
mod histogram;
mod plan;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::sleep;

use histogram::Histogram;
use plan::Plan;

/// What all connections count together.
#[derive(Default)]
struct Counts {
    taken: RefCell<Histogram>,
    turned_away: Cell<u64>,
    failed: Cell<u64>,
    /// The first failed answer, for whoever has to find out why.
    failure: RefCell<Option<String>>,
    number: Cell<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let plan: Rc<Plan> = Rc::new(serde_json::from_reader(io::stdin())?);
    let counts = Rc::new(Counts::default());
    let mut streams = Vec::new();
    for _ in 0..plan.connections {
        let stream = TcpStream::connect(&plan.address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let tasks = LocalSet::new();
    let began = Instant::now();
    let mut running = Vec::new();
    for (place, stream) in (0..).zip(streams) {
        let token = plan.tokens.get(place as usize).cloned().unwrap_or_default();
        let connection = Connection {
            plan: Rc::clone(&plan),
            counts: Rc::clone(&counts),
            stream,
            token,
            place,
        };
        running.push(tasks.spawn_local(connection.run(began)));
    }
    let mut tokens = Vec::new();
    tasks
        .run_until(async {
            for connection in running {
                tokens.push(connection.await??);
            }
            Ok::<(), Box<dyn Error>>(())
        })
        .await?;
    let taken = counts.taken.borrow();
    let report = json!({
        "requests": taken.total() + counts.failed.get(),
        "failed": counts.failed.get(),
        "failure": *counts.failure.borrow(),
        "turned_away": counts.turned_away.get(),
        "seconds": plan.seconds,
        "p50": taken.below(500),
        "p99": taken.below(990),
        "max": taken.most(),
        "tokens": if plan.tokens.is_empty() { Vec::new() } else { tokens },
    });
    println!("{report}");
    Ok(())
}

struct Connection {
    plan: Rc<Plan>,
    counts: Rc<Counts>,
    stream: TcpStream,
    token: String,
    place: u32,
}

impl Connection {
    /// Sends until the time is up, and ends with the answer that is under way then: a token that is
    /// spent is never lost. Gives the last token.
    async fn run(mut self, began: Instant) -> io::Result<String> {
        let ends = began + self.plan.length();
        let interval = self.plan.interval();
        // The connections of a paced load do not march in step.
        let spread = interval.map_or(Duration::ZERO, |interval| {
            interval / self.plan.connections * self.place
        });
        let mut due = began + spread;
        let (mut request, mut arrived) = (Vec::new(), Vec::with_capacity(16 * 1024));
        let constant = self.plan.is_constant();
        self.plan.write(&mut request, &self.token, 0);
        loop {
            let mut start = Instant::now();
            if let Some(interval) = interval {
                if start < due {
                    sleep(due - start).await;
                    start = Instant::now();
                } else {
                    // Waiting for the answer before kept this one waiting: that is the server's time.
                    start = due;
                }
                due += interval;
            }
            if start >= ends {
                return Ok(self.token);
            }
            if !constant {
                let number = self.counts.number.get();
                self.counts.number.set(number + 1);
                self.plan.write(&mut request, &self.token, number);
            }
            self.stream.write_all(&request).await?;
            arrived.clear();
            let answer = loop {
                if self.stream.read_buf(&mut arrived).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if let Some(answer) = answer::whole(&arrived) {
                    break answer;
                }
            };
            let now = Instant::now();
            if self.plan.expect.contains(&answer.status) {
                if now <= ends {
                    self.counts.taken.borrow_mut().add(now - start);
                }
                if !self.plan.chain.is_empty() {
                    let next = answer::string(answer.body, &self.plan.chain);
                    next.ok_or(io::ErrorKind::InvalidData)?
                        .clone_into(&mut self.token);
                }
            } else if let Some(seconds) = self.plan.come_back_after {
                self.counts
                    .turned_away
                    .set(self.counts.turned_away.get() + 1);
                sleep(Duration::from_secs_f64(seconds)).await;
            } else {
                self.counts.failed.set(self.counts.failed.get() + 1);
                let mut failure = self.counts.failure.borrow_mut();
                failure.get_or_insert_with(|| String::from_utf8_lossy(&arrived).into_owned());
            }
        }
    }
}
