//! What the gate is handed by its host.

use std::sync::Arc;

use sealgate_host::{Fetch, HttpFetch, SystemClock, SystemRandom};
use sealgate_model::{Clock, Random};
use sealgate_shared::{ShareError, SharedMemory};

use crate::settings::{Settings, SettingsError, SharedView};

/// What the gate is handed by its host.
#[derive(Clone)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Outbound HTTP.
    pub fetch: Arc<dyn Fetch>,
    /// The machine that it runs on, as far as other processes see the same.
    pub premises: Premises,
}

/// What is the same for all processes of the machine; by default nothing is known of it and nothing shared.
#[derive(Debug, Clone, Default)]
pub struct Premises {
    /// Its name.
    pub name: Option<String>,
    /// Memory for the revocation view. Whoever shares it has to tell uptime by the same clock.
    pub memory: Option<Arc<SharedMemory>>,
}

impl Premises {
    /// Those of this process. What cannot be had is done without, and said.
    fn here(settings: &Settings) -> Self {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let name = name.or_else(|| std::env::var("HOSTNAME").ok());
        Self {
            name: name.map(|name| name.trim().to_owned()),
            memory: Self::memory(settings),
        }
    }

    fn memory(settings: &Settings) -> Option<Arc<SharedMemory>> {
        let place = match &settings.shared_view {
            SharedView::Off => return None,
            SharedView::Auto => None,
            SharedView::In(place) => Some(place.as_path()),
        };
        let whose = whose(settings);
        match SharedMemory::open(place, &whose.each_ref().map(String::as_str)) {
            Ok(memory) => Some(memory),
            // Nobody asked for it where it cannot be.
            Err(ShareError::Unsupported) if settings.shared_view == SharedView::Auto => None,
            Err(error) => {
                tracing::warn!(
                    reason = error.code(),
                    %error,
                    "the revocation view cannot be shared with other processes: this one has its own"
                );
                None
            }
        }
    }
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
            clock: Arc::new(SystemClock::of_machine()),
            random: Arc::new(SystemRandom),
            fetch: Arc::new(fetch),
            premises: Premises::here(settings),
        })
    }
}

/// What processes that share a view have in common. Without a feed, what one of them is told of a logout still is of
/// use to all others. The bound belongs to it: receipts speak for all, and who has been silent for that long is taken
/// to deny.
fn whose(settings: &Settings) -> [String; 3] {
    [
        settings.issuer.as_str().to_owned(),
        settings.client_id.as_str().to_owned(),
        settings.staleness_bound.as_millis().to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::good;

    #[test]
    fn gates_of_one_application_share_a_view_if_they_keep_the_same_promise() {
        let of = |name, value| whose(&good(&[(name, value)]));
        let usual = whose(&good(&[]));
        assert_eq!(of("SEALGATE_STALENESS_BOUND", "10"), usual);
        assert_eq!(of("SEALGATE_ON_STALE", "introspect"), usual);
        assert_ne!(of("SEALGATE_STALENESS_BOUND", "60"), usual);
        assert_ne!(of("SEALGATE_CLIENT_ID", "another"), usual);
        assert_ne!(of("SEALGATE_ISSUER", "https://other.example"), usual);
    }
}
