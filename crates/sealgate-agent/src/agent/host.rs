//! What an agent is handed.

use std::sync::Arc;

use sealgate_model::{Clock, Random, Secret};

use crate::AgentError;
use crate::http::{Boxed, Http};

/// Where sessions rest between runs. What is kept is a secret; where it is kept must be for nobody else.
pub trait TokenStore: Send + Sync {
    /// What was kept under `name`.
    fn load<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Option<Secret>, AgentError>>;
    /// Keeps `value` under `name`.
    fn save<'a>(&'a self, name: &'a str, value: Secret) -> Boxed<'a, Result<(), AgentError>>;
    /// Forgets what is kept under `name`.
    fn forget<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<(), AgentError>>;
}

/// What an agent is handed.
#[derive(Clone)]
pub struct AgentHost {
    /// How servers are reached.
    pub http: Arc<dyn Http>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where sessions rest; none for memory alone.
    pub store: Option<Arc<dyn TokenStore>>,
}
