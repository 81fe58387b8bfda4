//! What the gate is handed by its host.

use std::sync::Arc;

use sealgate_host::{Fetch, HttpFetch, SystemClock, SystemRandom};
use sealgate_model::{Clock, Random};

use crate::settings::{Settings, SettingsError};

/// What the gate is handed by its host.
#[derive(Clone)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Outbound HTTP.
    pub fetch: Arc<dyn Fetch>,
}

impl Host {
    /// The real clock, randomness and HTTP client.
    pub fn system(settings: &Settings) -> Result<Self, SettingsError> {
        const NAME: &str = "SEALGATE_AUTHORITY_FILE";
        let authority = settings
            .authority_file
            .as_ref()
            .map(|path| {
                std::fs::read(path)
                    .map_err(|error| SettingsError::new(NAME, format!("cannot be read: {error}")))
            })
            .transpose()?;
        let fetch = HttpFetch::new(authority.as_deref())
            .map_err(|error| SettingsError::new(NAME, error.to_string()))?;
        Ok(Self {
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            fetch: Arc::new(fetch),
        })
    }
}
