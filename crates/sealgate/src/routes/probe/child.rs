//! An application in a Python child: `python -m sealgate._probe`, with a line for each request and answer.

mod process;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sealgate_inventory::Inventory;
use sealgate_probe::{Answer, Channel, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Mutex, RwLock};

use crate::failure::Failure;
use crate::python::Python;
use process::{Process, Unheard};

/// How long importing and starting the application may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What an answer may take beyond its own time before the child counts as stuck.
const SLACK: Duration = Duration::from_secs(5);

/// How often the application is started anew after it ended.
const RESTARTS: usize = 16;

/// How the child is started.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) target: String,
    pub(super) folder: PathBuf,
    pub(super) python: Option<PathBuf>,
    pub(super) factory: bool,
    pub(super) lifespan: bool,
    /// The `Host` of requests that have none.
    pub(super) host: String,
    /// How long an answer may take.
    pub(super) timeout: Duration,
}

/// What the child says first.
#[derive(Deserialize)]
pub(super) struct Ready {
    pub(super) inventory: Inventory,
    pub(super) openapi: Option<Value>,
}

/// What it says where it has nothing to be asked.
#[derive(Deserialize)]
struct Fatal {
    fatal: String,
    problem: String,
}

/// The running child.
pub(super) struct Child {
    start: Start,
    current: Mutex<Current>,
    /// Held by all who ask together, and alone by who asks again.
    together: RwLock<()>,
}

struct Current {
    process: Arc<Process>,
    restarts: usize,
}

/// A request as it goes to the child.
#[derive(Serialize)]
struct Asked<'a> {
    kind: &'static str,
    method: &'a str,
    path: &'a str,
    query: String,
    headers: Vec<(&'a str, &'a str)>,
    body: String,
    timeout: f64,
}

impl Child {
    /// Starts the application and waits until it can be asked.
    pub(super) async fn start(start: Start) -> Result<(Self, Ready), Failure> {
        let (process, ready) = launched(&start).await?;
        let child = Self {
            start,
            current: Mutex::new(Current {
                process: Arc::new(process),
                restarts: 0,
            }),
            together: RwLock::new(()),
        };
        Ok((child, ready))
    }

    /// What the application answers. Where it ended meanwhile, somebody else's request may have ended it: it is
    /// asked again, alone.
    pub(super) async fn send(&self, request: &Request) -> Answer {
        {
            let _together = self.together.read().await;
            if let Ok(answer) = self.exchange(request).await {
                return answer;
            }
        }
        let _alone = self.together.write().await;
        self.exchange(request).await.unwrap_or_else(Answer::failed)
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, &'static str> {
        let process = self.current.lock().await.process.clone();
        let asked = self.asked(request);
        let patience = self.start.timeout + SLACK;
        match tokio::time::timeout(patience, process.ask(&asked)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Unheard)) => {
                self.replace(&process).await;
                Err("the application ended while it was asked")
            }
            Err(_) => {
                process.kill();
                self.replace(&process).await;
                Err("the application stood still while it was asked")
            }
        }
    }

    /// Lets the application stop.
    pub(super) async fn stop(self) {
        self.current.into_inner().process.stop().await;
    }

    /// Starts the application anew, unless somebody has already.
    async fn replace(&self, ended: &Arc<Process>) {
        let mut current = self.current.lock().await;
        if !Arc::ptr_eq(&current.process, ended) || current.restarts == RESTARTS {
            return;
        }
        current.restarts += 1;
        // Where it does not start again, everything that is left stays unanswered, and is told so.
        if let Ok((process, _)) = launched(&self.start).await {
            current.process = Arc::new(process);
        }
    }

    fn asked<'a>(&'a self, request: &'a Request) -> Asked<'a> {
        let mut headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .map(|header| (header.name.as_str(), header.value.as_str()))
            .collect();
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            headers.insert(0, ("Host", &self.start.host));
        }
        if let Some(body) = &request.body {
            headers.push(("Content-Type", &body.content_type));
        }
        Asked {
            kind: match request.channel {
                Channel::Http => "http",
                Channel::Websocket => "websocket",
            },
            method: &request.method,
            path: &request.path,
            query: request.query_text(),
            headers,
            body: request
                .body
                .as_ref()
                .map(|body| String::from_utf8_lossy(&body.bytes).into_owned())
                .unwrap_or_default(),
            timeout: self.start.timeout.as_secs_f64(),
        }
    }
}

async fn launched(start: &Start) -> Result<(Process, Ready), Failure> {
    let python = Python::find(start.python.as_deref())?;
    let mut process = Process::start(&python, start).map_err(|error| {
        let said = format!("cannot run {}: {error}", python.path().display());
        Failure::usage("python_unusable", said)
            .with_hint("name the Python that has the application's packages: --python FILE")
    })?;
    let Ok(first) = tokio::time::timeout(PATIENCE, process.first()).await else {
        process.kill();
        let said = format!(
            "starting {} takes more than {} seconds",
            start.target,
            PATIENCE.as_secs()
        );
        return Err(Failure::usage("routes_start_timeout", said)
            .with_hint("see what it waits for; --no-lifespan asks it without starting it"));
    };
    let Some(line) = first else {
        let said = format!(
            "{} cannot ask the application: {}",
            python.path().display(),
            process.last_words()
        );
        return Err(Failure::usage("python_unusable", said).with_hint(
            "install the package into it (pip install sealgate), or name another with --python",
        ));
    };
    if let Ok(Fatal { fatal, problem }) = serde_json::from_str(&line) {
        return Err(crate::routes::live::refused(&fatal, problem));
    }
    let ready = serde_json::from_str(&line).map_err(|error| {
        let said = format!("the package and this program do not understand each other: {error}");
        Failure::usage("python_unusable", said)
            .with_hint("take the program and the package of the same version")
    })?;
    Ok((process, ready))
}
