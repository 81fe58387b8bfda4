//! What Python sets an agent up with, and its functions as the agent's browser, prompt, sources and store.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use sealgate_agent::agent::{AgentSettings, AssertionSource, Binding, Grant, IdentityProvider};
use sealgate_agent::device::{DeviceCode, Prompt};
use sealgate_agent::flow::Browser;
use sealgate_agent::registration::{Given, Profile};
use sealgate_agent::{
    Agent, AgentError, AgentHost, AgentHttp, Boxed, ClientKey, TokenStore, WebUrl,
};
use sealgate_host::{SystemClock, SystemRandom};
use sealgate_model::Secret;
use tokio::sync::oneshot;

/// Everything that an agent is set up with, as a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Setup {
    url: String,
    grant: String,
    client_id: Option<String>,
    client_secret: Option<Hidden>,
    private_key: Option<Hidden>,
    key_id: Option<String>,
    algorithm: Option<String>,
    issuer: Option<String>,
    name: String,
    document: Option<String>,
    registers: bool,
    scopes: Vec<String>,
    dpop: Option<bool>,
    offline: bool,
    authority: Option<Vec<u8>>,
    identity_issuer: Option<String>,
    identity_endpoint: Option<String>,
    identity_client_id: Option<String>,
    identity_client_secret: Option<Hidden>,
    /// Runs one of the other functions on a thread of Python's own: `run(function, arguments, reply)`.
    run: Py<PyAny>,
    redirect_uri: Option<Py<PyAny>>,
    sign_in: Option<Py<PyAny>>,
    show: Option<Py<PyAny>>,
    assertion: Option<Py<PyAny>>,
    load: Option<Py<PyAny>>,
    save: Option<Py<PyAny>>,
    forget: Option<Py<PyAny>>,
}

/// Text that is wiped when it is dropped.
struct Hidden(Secret);

impl Hidden {
    fn secret(&self) -> Secret {
        self.0.clone()
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Hidden {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.extract::<&str>().map(|text| Self(Secret::new(text)))
    }
}

impl Setup {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// An agent that is set up so.
    pub(crate) fn agent(&self, py: Python<'_>) -> Result<Agent, AgentError> {
        let settings = AgentSettings {
            url: WebUrl::parse(&self.url)?,
            grant: self.grant(py)?,
            given: self.given()?,
            issuer: self.issuer.clone(),
            profile: Profile {
                name: self.name.clone(),
                redirect_uri: None,
                document: self.document.as_deref().map(WebUrl::parse).transpose()?,
                registers: self.registers,
            },
            scopes: self.scopes.clone(),
            binding: match self.dpop {
                None => Binding::WhereAsked,
                Some(true) => Binding::Always,
                Some(false) => Binding::Never,
            },
            offline: self.offline,
        };
        let store = match (&self.load, &self.save, &self.forget) {
            (Some(load), Some(save), Some(forget)) => Some(Arc::new(Store {
                load: self.function(py, load),
                save: self.function(py, save),
                forget: self.function(py, forget),
            }) as Arc<dyn TokenStore>),
            _ => None,
        };
        let host = AgentHost {
            http: Arc::new(AgentHttp::new(self.authority.as_deref())?),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            store,
        };
        Ok(Agent::new(settings, host))
    }

    fn grant(&self, py: Python<'_>) -> Result<Grant, AgentError> {
        let needed = |function: &Option<Py<PyAny>>| {
            let function = function
                .as_ref()
                .map(|function| self.function(py, function));
            function.ok_or(AgentError::SignInNeeded)
        };
        Ok(match self.grant.as_str() {
            "browser" => Grant::Browser(Arc::new(Shown {
                redirect_uri: needed(&self.redirect_uri)?,
                sign_in: needed(&self.sign_in)?,
            })),
            "device" => Grant::Device(Arc::new(needed(&self.show)?)),
            "workload" => Grant::Workload(Arc::new(needed(&self.assertion)?)),
            "enterprise" => {
                let endpoint = self.identity_endpoint.as_deref();
                Grant::Enterprise(Box::new(IdentityProvider {
                    issuer: self.identity_issuer.clone().unwrap_or_default(),
                    token_endpoint: endpoint.map(WebUrl::parse).transpose()?,
                    client: Given {
                        id: self.identity_client_id.clone().unwrap_or_default(),
                        secret: self.identity_client_secret.as_ref().map(Hidden::secret),
                        key: None,
                        issuer: self.identity_issuer.clone(),
                    },
                    identity: Arc::new(needed(&self.assertion)?),
                }))
            }
            _ => Grant::Machine,
        })
    }

    fn given(&self) -> Result<Option<Given>, AgentError> {
        let Some(id) = &self.client_id else {
            return Ok(None);
        };
        let key = match &self.private_key {
            Some(pem) => {
                let key = ClientKey::from_pem(
                    pem.0.expose(),
                    self.key_id.clone(),
                    self.algorithm.as_deref(),
                )?;
                Some(Arc::new(key))
            }
            None => None,
        };
        Ok(Some(Given {
            id: id.clone(),
            secret: self.client_secret.as_ref().map(Hidden::secret),
            key,
            issuer: self.issuer.clone(),
        }))
    }

    fn function(&self, py: Python<'_>, function: &Py<PyAny>) -> Function {
        Function {
            run: self.run.clone_ref(py),
            function: function.clone_ref(py),
        }
    }
}

/// A Python function of texts that gives a text or nothing.
struct Function {
    run: Py<PyAny>,
    function: Py<PyAny>,
}

/// Where a function's answer goes.
#[pyclass(frozen, module = "sealgate._core")]
pub(crate) struct AgentReply(Mutex<Option<oneshot::Sender<Answer>>>);

type Answer = Result<Option<Secret>, String>;

#[pymethods]
impl AgentReply {
    /// What the function gave.
    fn give(&self, value: Option<String>) {
        self.send(Ok(value.map(Secret::new)));
    }

    /// Why it gave nothing.
    fn fail(&self, why: String) {
        self.send(Err(why));
    }
}

impl AgentReply {
    fn send(&self, answer: Answer) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Whoever waited may have been stopped.
            let _ = sender.send(answer);
        }
    }
}

impl Function {
    /// Calls the function and waits for it, without keeping the interpreter. Fails with what it says.
    async fn call(&self, arguments: Vec<Option<String>>) -> Answer {
        let (sender, receiver) = oneshot::channel();
        let reply = AgentReply(Mutex::new(Some(sender)));
        let begun = Python::try_attach(|py| {
            let function = self.function.clone_ref(py);
            self.run.call1(py, (function, arguments, reply)).map(drop)
        });
        match begun {
            None => return Err("the interpreter is ending".to_owned()),
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(())) => {}
        }
        receiver
            .await
            .unwrap_or_else(|_| Err("it gave no answer".to_owned()))
    }

    /// As [`Self::call`], of a function that always gives a text.
    async fn text(&self, arguments: Vec<Option<String>>) -> Result<Secret, String> {
        let answer = self.call(arguments).await?;
        answer.ok_or_else(|| "it gave nothing".to_owned())
    }
}

struct Shown {
    redirect_uri: Function,
    sign_in: Function,
}

impl Browser for Shown {
    fn redirect_uri(&self) -> Boxed<'_, Result<String, AgentError>> {
        Box::pin(async move {
            let uri = self.redirect_uri.text(Vec::new()).await;
            let uri = uri.map_err(AgentError::BrowserFailed)?;
            Ok(uri.expose().to_owned())
        })
    }

    fn sign_in<'a>(&'a self, url: &'a str) -> Boxed<'a, Result<Secret, AgentError>> {
        Box::pin(async move {
            let answer = self.sign_in.text(vec![Some(url.to_owned())]).await;
            answer.map_err(AgentError::BrowserFailed)
        })
    }
}

impl Prompt for Function {
    fn show<'a>(&'a self, code: &'a DeviceCode) -> Boxed<'a, Result<(), AgentError>> {
        Box::pin(async move {
            let complete = code.verification_uri_complete.as_ref();
            let arguments = vec![
                Some(code.user_code.clone()),
                Some(code.verification_uri.to_string()),
                complete.map(ToString::to_string),
                Some(code.ends_at.as_seconds().to_string()),
            ];
            let shown = self.call(arguments).await;
            shown.map(drop).map_err(AgentError::BrowserFailed)
        })
    }
}

impl AssertionSource for Function {
    fn assertion<'a>(&'a self, audience: &'a str) -> Boxed<'a, Result<Secret, AgentError>> {
        Box::pin(async move {
            let assertion = self.text(vec![Some(audience.to_owned())]).await;
            assertion.map_err(AgentError::AssertionUnavailable)
        })
    }
}

struct Store {
    load: Function,
    save: Function,
    forget: Function,
}

impl TokenStore for Store {
    fn load<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Option<Secret>, AgentError>> {
        Box::pin(async move {
            let kept = self.load.call(vec![Some(name.to_owned())]).await;
            kept.map_err(AgentError::StoreFailed)
        })
    }

    fn save<'a>(&'a self, name: &'a str, value: Secret) -> Boxed<'a, Result<(), AgentError>> {
        Box::pin(async move {
            let arguments = vec![Some(name.to_owned()), Some(value.expose().to_owned())];
            let saved = self.save.call(arguments).await;
            saved.map(drop).map_err(AgentError::StoreFailed)
        })
    }

    fn forget<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<(), AgentError>> {
        Box::pin(async move {
            let forgotten = self.forget.call(vec![Some(name.to_owned())]).await;
            forgotten.map(drop).map_err(AgentError::StoreFailed)
        })
    }
}
