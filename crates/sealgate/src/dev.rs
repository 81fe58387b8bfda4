//! `sealgate dev`: one command that runs an application and a control plane for it, on this machine and
//! for development only.
//!
//! The control plane runs in this process and the application as its child, so that there is one thing
//! to stop. Whichever ends takes the other with it.

mod application;
mod folder;
mod password;
mod python;
mod seed;
mod words;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sealgate_host::SystemRandom;
use sealgate_server::{Metrics, ServeError, Server};
use sealgate_store::StoreError;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::door::{self, Door};
use crate::failure::Failure;
use crate::log;
use crate::python::Python;
use crate::screen::talk;
use crate::settings::{Settings, Span};
use application::Application;
use folder::Folder;
use words::Running;

/// How long the control plane's requests get to finish: nobody is there but the developer.
const DRAIN: Duration = Duration::from_secs(1);

/// How long a signal that ended the application may take to get here, too: a terminal sends it to both.
const SAME_SIGNAL: Duration = Duration::from_millis(300);

#[derive(Debug, Args)]
#[command(
    after_help = "Everything is kept in .sealgate-dev in the working directory, for the next start: accounts, passwords,\n\
                        keys. Both listen on loopback addresses only, without https and with a password that is printed:\n\
                        this is for development.\n\n\
                        The scopes and roles that the application's routes ask for are seeded as well."
)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
pub(crate) struct Arguments {
    /// The application, as in `main:app`
    #[arg(value_name = "MODULE:NAME", required_unless_present = "reset")]
    target: Option<String>,
    /// The application's port; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The control plane's port; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8420)]
    plane_port: u16,
    /// The loopback address that both listen on
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The account that is seeded, and keeps its password from start to start
    #[arg(long, value_name = "EMAIL", default_value = "dev@example.com")]
    user: String,
    /// A role of the account; repeat for more. By default `admin` and those that routes ask for
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A scope to ask for at sign-in, besides those that routes ask for; repeat for more
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The Python that has the application's packages; by default that of $VIRTUAL_ENV
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Do not start the application again when a file changes
    #[arg(long)]
    no_reload: bool,
    /// Forget everything that earlier starts have kept
    #[arg(long)]
    reset: bool,
}

impl Arguments {
    /// The addresses of the application and of the control plane, with the ports they will have.
    fn addresses(&self) -> Result<(SocketAddr, SocketAddr), Failure> {
        if !self.host.is_loopback() {
            let said = format!(
                "sealgate dev listens on loopback addresses only, and {} is not one",
                self.host
            );
            return Err(Failure::usage("dev_not_loopback", said)
                .with_hint("for others to reach it: docs/how-to/operate-the-control-plane.md"));
        }
        // Both are held until both are known, so that they are not the same.
        let app = bound(self.host, self.port, "--port")?;
        let plane = bound(self.host, self.plane_port, "--plane-port")?;
        let unknown =
            |error: std::io::Error| Failure::unavailable("address_unusable", error.to_string());
        Ok((
            app.local_addr().map_err(unknown)?,
            plane.local_addr().map_err(unknown)?,
        ))
    }
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let path = PathBuf::from(folder::NAME);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::unavailable("runtime_failed", format!("cannot start: {error}"))
        })?;
    let done = runtime.block_on(async {
        if arguments.reset {
            folder::forget(&path).await?;
        }
        let Some(target) = &arguments.target else {
            talk("Everything is forgotten.\n");
            return Ok(());
        };
        let mut signals = Signals::catch()?;
        tokio::select! {
            biased;
            () = signals.next() => Ok(()),
            started = start(arguments, target, &path, json) => {
                let (plane, application) = started?;
                watch(signals, plane, application).await
            }
        }
    });
    // What still blocks a thread is nothing to wait for.
    runtime.shutdown_background();
    done
}

/// Brings up the control plane, what is seeded in it, and the application.
async fn start(
    arguments: &Arguments,
    target: &str,
    path: &std::path::Path,
    json: bool,
) -> Result<(Plane, Application), Failure> {
    let (app, plane) = arguments.addresses()?;
    let python = Python::find(arguments.python.as_deref())?;
    let mut folder = Folder::open(path, &SystemRandom)?;
    let settings = settings(&folder, plane);
    log::start(&settings.log, None);

    let base_url = format!("http://{app}");
    let issuer = format!("http://{plane}");
    // What routes ask for is read by importing the application, meanwhile.
    let reading = python::ask(
        &python,
        target,
        environment(&issuer, &base_url, folder.seal_key(), &[], None),
    );
    let serving = Plane::start(&settings).await?;
    let asked = reading.answer().await?;
    if let Some(problem) = &asked.problem {
        let problem = crate::screen::clean(problem);
        talk(&format!(
            "warning: {problem}\nhint: start again when that is right: the scopes that routes ask for are read at the start\n"
        ));
    }

    let wanted = seed::Wanted {
        target,
        base_url: &base_url,
        email: &arguments.user,
        roles: &arguments.roles,
        scopes: &arguments.scopes,
        asked: &asked,
    };
    let door = Door::to(&settings).await?;
    let seeded = seed::seed(&door, &mut folder, &wanted, &SystemRandom).await?;
    let environment = environment(
        &issuer,
        &base_url,
        folder.seal_key(),
        &seeded.scopes,
        Some(&seeded.secret),
    );
    words::tell(
        json,
        &Running {
            target: target.to_owned(),
            application: base_url,
            control_plane: issuer,
            user: arguments.user.clone(),
            password: seeded.password,
            roles: seeded.roles,
            clients: vec![seed::CLIENT.to_owned(), seed::DOCS_CLIENT.to_owned()],
            scopes: seeded.scopes,
            data_dir: settings.data_dir.display().to_string(),
            reload: !arguments.no_reload,
        },
    )?;
    let application = Application::start(
        &python,
        target,
        app,
        !arguments.no_reload,
        environment,
        json,
    )?;
    Ok((serving, application))
}

/// Waits for whatever comes first, and ends the rest.
async fn watch(
    mut signals: Signals,
    mut plane: Plane,
    mut application: Application,
) -> Result<(), Failure> {
    let ended = tokio::select! {
        biased;
        () = signals.next() => Ok(()),
        status = application.ended() => {
            // Ctrl-C in a terminal is for both, and the application may be the faster one.
            match tokio::time::timeout(SAME_SIGNAL, signals.next()).await {
                Ok(()) => Ok(()),
                Err(_) => Err(application::failed(status)),
            }
        }
        failure = plane.ended() => Err(failure),
    };
    application.stop(signals.next()).await;
    plane.stop().await;
    ended
}

/// The settings of the control plane. Nothing of it comes from the environment: what is called
/// `SEALGATE_ISSUER` there is the application's.
fn settings(folder: &Folder, listen: SocketAddr) -> Settings {
    let mut settings = Settings {
        data_dir: folder.data_dir(),
        listen,
        ..Settings::default()
    };
    settings.log.level = log::Level::Warn;
    settings.limits.drain = Span(DRAIN);
    settings
}

/// The application's settings. Those that would speak against them are taken out of its environment.
fn environment(
    issuer: &str,
    base_url: &str,
    seal_key: &str,
    scopes: &[String],
    secret: Option<&str>,
) -> Vec<(&'static str, Option<OsString>)> {
    let scopes = ["openid", "profile", "email"]
        .into_iter()
        .chain(scopes.iter().map(String::as_str));
    let scopes: Vec<&str> = scopes.collect();
    vec![
        ("SEALGATE_ISSUER", Some(issuer.into())),
        ("SEALGATE_BASE_URL", Some(base_url.into())),
        ("SEALGATE_CLIENT_ID", Some(seed::CLIENT.into())),
        // To be imported, it needs one, but not the right one.
        (
            "SEALGATE_CLIENT_SECRET",
            Some(secret.unwrap_or("unused").into()),
        ),
        ("SEALGATE_SEAL_KEYS", Some(seal_key.into())),
        ("SEALGATE_SCOPES", Some(scopes.join(" ").into())),
        ("SEALGATE_DOCS_CLIENT_ID", Some(seed::DOCS_CLIENT.into())),
        ("SEALGATE_CLIENT_SECRET_FILE", None),
        ("SEALGATE_SEAL_KEYS_FILE", None),
        // Said and not only taken out: a settings file of the application may say otherwise.
        ("SEALGATE_PROVIDER", Some("sealgate".into())),
        ("SEALGATE_AUDIENCES", None),
        ("SEALGATE_AUTHORITY_FILE", None),
    ]
}

/// A listener that shows that the port is free, or what is in the way.
fn bound(host: IpAddr, port: u16, option: &str) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).map_err(|error| {
        let taken = error.kind() == ErrorKind::AddrInUse;
        let said = if taken {
            format!("{address} is in use by another program")
        } else {
            format!("cannot listen on {address}: {error}")
        };
        Failure::unavailable("address_unusable", said).with_hint(other(option))
    })
}

fn other(option: &str) -> String {
    format!("stop the program that has it, or choose another with {option}")
}

/// The control plane, which serves in this process.
struct Plane {
    serving: JoinHandle<Result<(), ServeError>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Plane {
    async fn start(settings: &Settings) -> Result<Self, Failure> {
        let metrics = Metrics::install()?;
        let host = door::host(settings, None)?;
        let server = Server::start(&settings.config(), &settings.listeners(), host).await;
        let server = server.map_err(|error| match error {
            ServeError::Store(StoreError::Locked) => Failure::from(error)
                .with_hint("`sealgate dev` runs in this directory already: stop that one first"),
            ServeError::Bind { .. } => Failure::from(error).with_hint(other("--plane-port")),
            error => error.into(),
        })?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run(metrics, async move {
            // An error says that nobody is left to stop it: that is the end, too.
            let _ = stopped.await;
        }));
        Ok(Self {
            serving,
            stop: Some(stop),
        })
    }

    /// Why it ended, which it does not by itself.
    async fn ended(&mut self) -> Failure {
        match (&mut self.serving).await {
            Ok(Err(error)) => error.into(),
            _ => Failure::unavailable("serving_failed", "the control plane ended by itself"),
        }
    }

    async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if !self.serving.is_finished() {
            let _ = self.serving.await;
        }
    }
}

/// The signals that end a program.
struct Signals([Signal; 3]);

impl Signals {
    fn catch() -> Result<Self, Failure> {
        let caught = |kind| {
            signal(kind).map_err(|error| {
                Failure::unavailable("signal_failed", format!("cannot catch signals: {error}"))
            })
        };
        Ok(Self([
            caught(SignalKind::interrupt())?,
            caught(SignalKind::terminate())?,
            caught(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
