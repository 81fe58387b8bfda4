//! One look at a view, and the questions it answers.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use sealgate_model::{Timestamp, Uptime};

use crate::slot::{Kind, Packed, Tagger};
use crate::slots::Slots;
use crate::table::Table;
use crate::{Credential, RevokedBy, View};

/// What a view knew at one moment, or later: every answer takes in what was revoked before the reading.
///
/// What is proven is read before what is revoked. The other way round, a revocation could arrive after the
/// lookup and what proves it before the question of freshness, and a fresh "not revoked" be a lie. That is why
/// all answers for one decision have to come from one reading.
pub struct Reading<'a> {
    tagger: &'a Tagger,
    table: Guard<Arc<Table>>,
    proven: Option<Uptime>,
    whole: bool,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(view: &'a View) -> Self {
        let seen = view.control().glance();
        let held = view.held();
        let (table, whole) = if held.generation() == seen.generation {
            (held, true)
        } else {
            // Where the table that counts cannot be had, an older one still names what it can: a revoked
            // credential is denied as such, whatever else fails.
            match view.current() {
                Ok(table) => (table, true),
                Err(_) => (held, false),
            }
        };
        Self {
            tagger: view.tagger(),
            table,
            proven: seen.proven,
            whole: whole && !seen.has_lost,
        }
    }

    /// Whether all that was ever put into the view could be asked. If not, "not revoked" means nothing.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether "not revoked" may be believed at `now`, with staleness bound `bound`: it holds for everything
    /// committed before `now` - `bound`.
    pub fn is_fresh(&self, now: Uptime, bound: Duration) -> bool {
        // A moment past `now` is a little past it, told by a process that read the clock later; or it is no
        // moment of this clock, and proves nothing.
        let recent = |proven: Uptime| now.since(proven) <= bound && proven.since(now) <= bound;
        self.whole && self.proven.is_some_and(recent)
    }

    /// How old the view is at `now`, at most; none while nothing is proven, or not all of it can be asked.
    pub fn age(&self, now: Uptime) -> Option<Duration> {
        let proven = self.proven.filter(|_| self.whole);
        proven.map(|proven| now.since(proven))
    }

    /// What is known to revoke `credential`, the widest first. Started at the very moment of a "not before"
    /// counts as revoked.
    pub fn revoked_by(&self, credential: &Credential<'_>) -> Option<RevokedBy> {
        let slots = &self.table.slots();
        let holds = |kind, name: &[u8]| self.holds(slots, kind, name);
        let covers = |kind, name: &str| {
            self.value(slots, kind, name)
                .is_some_and(|value| value.covers(credential.started_at))
        };
        if covers(Kind::All, "") {
            return Some(RevokedBy::All);
        }
        if (credential.tenant).is_some_and(|tenant| covers(Kind::Tenant, tenant)) {
            return Some(RevokedBy::Tenant);
        }
        if (credential.key).is_some_and(|kid| holds(Kind::Key, kid.as_bytes())) {
            return Some(RevokedBy::Key);
        }
        if covers(Kind::Client, credential.client) {
            return Some(RevokedBy::Client);
        }
        if (credential.subject).is_some_and(|sub| covers(Kind::User, sub)) {
            return Some(RevokedBy::User);
        }
        let mut grants = credential.grants.iter();
        if grants.any(|id| holds(Kind::Grant, id.as_bytes())) {
            return Some(RevokedBy::Grant);
        }
        if (credential.session).is_some_and(|id| holds(Kind::Session, id.as_bytes())) {
            return Some(RevokedBy::Session);
        }
        if (credential.token).is_some_and(|jti| holds(Kind::Token, jti.as_bytes())) {
            return Some(RevokedBy::Token);
        }
        None
    }

    /// Whether what a credential says of its user or its client, written at `told_at`, is known to have
    /// changed since or at that moment ([`View::is_outdated`]).
    pub fn is_outdated(&self, subject: Option<&str>, client: &str, told_at: Timestamp) -> bool {
        self.changed_at(subject, client)
            .is_some_and(|changed_at| told_at <= changed_at)
    }

    /// The latest moment at which what credentials tell of this user or this client changed, as far as it is
    /// known.
    pub fn changed_at(&self, subject: Option<&str>, client: &str) -> Option<Timestamp> {
        let slots = self.table.slots();
        let of_client = self.value(&slots, Kind::ClientClaims, client);
        let of_user = subject.and_then(|sub| self.value(&slots, Kind::UserClaims, sub));
        let changed = of_client.into_iter().chain(of_user);
        changed.map(Packed::not_before).max()
    }

    /// The last moment whose bundles of policies do not count any more, as far as it is known: one that was
    /// made at or before it is not to be decided by. None: as far as it is known there never was a bundle.
    pub fn policy_not_before(&self) -> Option<Timestamp> {
        let known = self.value(&self.table.slots(), Kind::Policy, "");
        known.map(Packed::not_before)
    }

    /// Whether the signing key `kid` is known to be revoked.
    pub fn key_is_revoked(&self, kid: &str) -> bool {
        self.holds(&self.table.slots(), Kind::Key, kid.as_bytes())
    }

    // That there is none of a kind is known without a look.
    fn value(&self, slots: &Slots<'_>, kind: Kind, name: &str) -> Option<Packed> {
        let some = slots.count(kind) != 0;
        some.then(|| slots.find(self.tagger.tag(kind, name.as_bytes())))?
    }

    fn holds(&self, slots: &Slots<'_>, kind: Kind, name: &[u8]) -> bool {
        slots.count(kind) != 0 && slots.hold(self.tagger.tag(kind, name))
    }
}
