//! What every part of the gate works with: settings, seals, the provider, the revocation view.

use std::sync::Arc;

use sealgate_model::{Random, Timestamp, Uptime};

use crate::backchannel::TOKENS_KEPT;
use crate::cookies::CookieNames;
use crate::csrf::CsrfTokens;
use crate::feed::Sight;
use crate::host::Host;
use crate::issuer::{self, Outside};
use crate::policy::{Policies, Policy};
use crate::provider::Provider;
use crate::recent::Recent;
use crate::report::Reports;
use crate::report::state::State;
use crate::seals::Seals;
use crate::settings::{Settings, SettingsError, is_gate_name};
use crate::transactions::SpentTransactions;
use crate::view::RevocationView;

/// The common ground of one application's gate.
pub(crate) struct Common {
    settings: Arc<Settings>,
    host: Host,
    names: CookieNames,
    seals: Seals,
    csrf: CsrfTokens,
    provider: Provider,
    view: RevocationView,
    sight: Sight,
    policies: Policies,
    reports: Reports,
    state: State,
    gate_name: String,
    spent: SpentTransactions,
    logouts: Recent,
    paths: OwnPaths,
}

/// Where the gate's own routes are.
pub(crate) struct OwnPaths {
    pub(crate) login: String,
    pub(crate) callback: String,
    pub(crate) logout: String,
    pub(crate) backchannel_logout: String,
}

impl OwnPaths {
    /// Under the application's own path, `base`: empty, or without trailing slash.
    pub(crate) fn under(base: &str) -> Self {
        Self {
            login: format!("{base}/auth/login"),
            callback: format!("{base}/auth/callback"),
            logout: format!("{base}/auth/logout"),
            backchannel_logout: format!("{base}/auth/backchannel-logout"),
        }
    }
}

impl Common {
    pub(crate) fn new(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        let secure = settings.base_url.is_https();
        if !secure {
            tracing::warn!(
                "SEALGATE_BASE_URL is plain http: the session cookie has no __Host- prefix and is not Secure. \
                 This is for development on this machine only."
            );
        }
        issuer::say_what_is_believed(&settings);
        let settings = Arc::new(settings);
        let shared = host.premises.memory.clone();
        let view = if settings.provider.has_feed {
            let spans = (settings.staleness_bound, settings.on_stale.beyond());
            RevocationView::new(spans, shared)
        } else {
            RevocationView::without_feed(shared)
        };
        let outside = Outside {
            clock: Arc::clone(&host.clock),
            random: Arc::clone(&host.random),
            fetch: Arc::clone(&host.fetch),
        };
        let provider = Provider::new(Arc::clone(&settings), &outside);
        provider.heed(view.view());
        Ok(Self {
            names: CookieNames::new(secure),
            seals: Seals::new(&settings, Arc::clone(&host.random))?,
            csrf: CsrfTokens::new(&settings)?,
            provider,
            gate_name: gate_name(&settings, &host),
            sight: Sight::default(),
            policies: Policies::new(&settings)?,
            reports: Reports::new(&settings, host.random.as_ref()),
            state: State::default(),
            view,
            spent: SpentTransactions::default(),
            logouts: Recent::up_to(TOKENS_KEPT),
            paths: OwnPaths::under(settings.base_path()),
            settings,
            host,
        })
    }
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, for work that leaves this thread.
    pub(crate) const fn shared_settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) fn names(&self) -> &CookieNames {
        &self.names
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    pub(crate) fn random(&self) -> &dyn Random {
        self.host.random.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    pub(crate) fn uptime(&self) -> Uptime {
        self.host.clock.uptime()
    }

    pub(crate) const fn seals(&self) -> &Seals {
        &self.seals
    }

    pub(crate) const fn csrf(&self) -> &CsrfTokens {
        &self.csrf
    }

    pub(crate) const fn view(&self) -> &RevocationView {
        &self.view
    }

    /// What can be seen of the feed and of decisions.
    pub(crate) const fn sight(&self) -> &Sight {
        &self.sight
    }

    /// What is decided by besides credentials: the bundle of policies that counts.
    pub(crate) const fn policy(&self) -> Policy<'_> {
        Policy::of(self)
    }

    /// Where that bundle is kept.
    pub(crate) const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// How this gate is set up, as the control plane is told.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// What was decided, on its way to the control plane.
    pub(crate) const fn reports(&self) -> &Reports {
        &self.reports
    }

    /// What this gate is called where gates are listed.
    pub(crate) fn gate_name(&self) -> &str {
        &self.gate_name
    }

    pub(crate) const fn spent(&self) -> &SpentTransactions {
        &self.spent
    }

    /// The logout tokens that were used.
    pub(crate) const fn logouts(&self) -> &Recent {
        &self.logouts
    }

    pub(crate) const fn paths(&self) -> &OwnPaths {
        &self.paths
    }

    /// The redirect URI of this application, from its settings and never from a `Host` header.
    pub(crate) fn callback_url(&self) -> String {
        format!("{}/auth/callback", self.settings.base_url)
    }

    /// Where a sign-in begins, at the application's own address.
    pub(crate) fn login_url(&self) -> String {
        format!("{}/auth/login", self.settings.base_url)
    }

    /// Where a sign-in leads that was not asked to lead anywhere: the application's own root.
    pub(crate) fn home(&self) -> String {
        format!("{}/", self.settings.base_path())
    }

    pub(crate) fn after_logout_url(&self) -> String {
        format!("{}{}", self.settings.base_url, self.settings.after_logout)
    }
}

/// As it is set, or else as the machine is called.
fn gate_name(settings: &Settings, host: &Host) -> String {
    let machine = host.premises.name.clone();
    let name = settings.gate_name.clone().or(machine);
    name.filter(|name| is_gate_name(name))
        .unwrap_or_else(|| "gate".to_owned())
}
