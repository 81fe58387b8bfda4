//! The view: what is revoked and how fresh that is, for any number of readers in any process, without locks.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use sealgate_model::{Timestamp, Uptime};

use crate::control::Control;
use crate::memory::PrivateMemory;
use crate::position::Position;
use crate::reading::Reading;
use crate::slot::{Kind, Tagger};
use crate::slots::words_for;
use crate::table::{LEAST_BITS, Table};
use crate::writer::Writer;
use crate::{Credential, Entry, Judgement, Memory, MemoryError, Message, RevokedBy, Subject};

/// What is revoked. It only grows, and forgets only what has expired: nothing that comes later, from
/// whatever history, makes a revoked credential good again.
///
/// It may say of a credential that is not revoked that it is, once in a million million lookups (`table.rs`);
/// never the other way round.
pub struct View {
    memory: Arc<dyn Memory>,
    control: Control,
    tagger: Tagger,
    /// The table that was read last. Whether it still counts, the control words tell.
    held: ArcSwap<Table>,
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("len", &self.len())
            .field("proven", &self.proven())
            .finish_non_exhaustive()
    }
}

const FIRST: u64 = 1;

impl View {
    /// Nothing is revoked, in memory of this process alone.
    pub fn new() -> Self {
        let memory = PrivateMemory::new();
        let words = memory.make_here(FIRST, words_for(LEAST_BITS));
        let control = Control::new(memory.control());
        let key = new_key();
        control.set_up(key, FIRST);
        Self {
            memory: Arc::new(memory),
            control,
            tagger: Tagger::new(key),
            held: ArcSwap::from_pointee(Table::lay_out(words, FIRST, LEAST_BITS)),
        }
    }

    /// Joins the view that is in `memory`, or begins one there.
    pub fn over(memory: Arc<dyn Memory>) -> Result<Self, MemoryError> {
        let control = Control::of(memory.control())?;
        if !control.is_set_up()? {
            let _lock = memory.lock()?;
            // Another process may have been quicker; one that died halfway is taken for one that never came.
            if !control.is_set_up()? {
                let words = memory.make(FIRST, words_for(LEAST_BITS))?;
                Table::lay_out(words, FIRST, LEAST_BITS);
                control.set_up(new_key(), FIRST);
            }
        }
        let table = fetch(&*memory, &control)?;
        Ok(Self {
            tagger: Tagger::new(control.key()),
            held: ArcSwap::new(table),
            memory,
            control,
        })
    }

    /// Adds a revocation. Several that concern one subject add up to the most restrictive. One that finds no
    /// room, because no memory is to be had, makes the view stale until a snapshot has found room as a whole.
    pub fn insert(&self, entry: &Entry) {
        if self.try_insert(entry).is_err() {
            self.control.lose();
        }
    }

    /// The same for whoever keeps elsewhere what finds no room here: the view is not stale by it.
    pub fn try_insert(&self, entry: &Entry) -> Result<(), MemoryError> {
        Writer::new(self).and_then(|mut writer| writer.insert(entry))
    }

    /// Adds all that a message revokes; false, and the view is stale, when some of it found no room.
    pub(crate) fn insert_all(&self, message: &Message) -> bool {
        let short: usize = message.sessions().iter().map(|group| group.ids.len()).sum();
        let told = message.entries().len() + short;
        if told == 0 {
            return true;
        }
        let whole = Writer::new(self).is_ok_and(|mut writer| {
            writer.reserve(told);
            let mut whole = true;
            for entry in message.entries() {
                whole &= writer.insert(entry).is_ok();
            }
            for group in message.sessions() {
                for id in &group.ids {
                    let entry = Entry {
                        subject: Subject::Session(*id),
                        expires_at: group.expires_at,
                        reason: None,
                    };
                    whole &= writer.insert(&entry).is_ok();
                }
            }
            whole
        });
        if !whole {
            self.control.lose();
        }
        whole
    }

    /// What is known now, for any number of questions about one request.
    pub fn read(&self) -> Reading<'_> {
        Reading::of(self)
    }

    /// What revokes `credential`, the widest first; none if nothing does. Started at the very moment
    /// of a "not before" counts as revoked. How fresh that is, [`Self::judge`] tells as well.
    pub fn check(&self, credential: &Credential<'_>) -> Option<RevokedBy> {
        let reading = self.read();
        let unreadable = || (!reading.is_whole()).then_some(RevokedBy::Unreadable);
        reading.revoked_by(credential).or_else(unreadable)
    }

    /// Whether `credential` may be relied on at `now`, with staleness bound `bound`.
    pub fn judge(&self, credential: &Credential<'_>, now: Uptime, bound: Duration) -> Judgement {
        let reading = self.read();
        match reading.revoked_by(credential) {
            Some(by) => Judgement::Revoked(by),
            None if reading.is_fresh(now, bound) => Judgement::Fresh,
            None => Judgement::Stale,
        }
    }

    /// Whether what a credential says of its user or its client, written at `told_at`, has changed since or
    /// at that moment: nothing of it may be believed before it has been asked for anew. A time in whole
    /// seconds is rounded down. A view that cannot be read says yes.
    pub fn is_outdated(&self, subject: Option<&str>, client: &str, told_at: Timestamp) -> bool {
        let reading = self.read();
        !reading.is_whole() || reading.is_outdated(subject, client, told_at)
    }

    /// The latest moment at which what credentials tell of this user or this client changed, as far as it is
    /// known. A view that cannot be read says the end of time.
    pub fn changed_at(&self, subject: Option<&str>, client: &str) -> Option<Timestamp> {
        let reading = self.read();
        if reading.is_whole() {
            reading.changed_at(subject, client)
        } else {
            Some(Timestamp::from_millis(i64::MAX))
        }
    }

    /// Whether the signing key `kid` is revoked. A view that cannot be read says yes.
    pub fn key_is_revoked(&self, kid: &str) -> bool {
        let reading = self.read();
        !reading.is_whole() || reading.key_is_revoked(kid)
    }

    /// The view holds everything committed before this moment; none while nothing is proven.
    pub fn proven(&self) -> Option<Uptime> {
        self.control.proven()
    }

    /// Says that the view holds everything committed before `moment`. It does not go back.
    pub fn prove(&self, moment: Uptime) {
        self.control.prove(moment);
    }

    /// Proven no longer, and followed no further from where it was: for whoever finds a memory of another
    /// boot, with another uptime, where moreover not every word need have reached the disk.
    pub fn forget_freshness(&self) -> Result<(), MemoryError> {
        let _writer = Writer::new(self)?;
        self.control.forget_proven();
        if let Some(mut position) = Position::read(&self.control) {
            position.stop();
            position.write(&self.control);
        }
        self.current()?.slots().recount();
        Ok(())
    }

    /// Whether the view may be trusted at `now` to know everything committed before `now` - `bound`.
    /// For a decision ask [`Self::judge`] or [`Self::read`], which read in the right order.
    pub fn is_fresh(&self, now: Uptime, bound: Duration) -> bool {
        self.read().is_fresh(now, bound)
    }

    /// Whether all that was ever put into the view can be asked.
    pub fn is_readable(&self) -> bool {
        self.read().is_whole()
    }

    /// How old the view is at `now`, at most; none while nothing is proven, or it cannot be read.
    pub fn age(&self, now: Uptime) -> Option<Duration> {
        self.read().age(now)
    }

    /// Forgets what expired at or before `now`, up to four hours later than that. The caller leaves room for
    /// clocks that disagree.
    pub fn sweep(&self, now: Timestamp) {
        // What cannot be forgotten now, for want of memory, is kept until it can.
        let _ = Writer::new(self).and_then(|mut writer| writer.sweep(now));
    }

    /// How many revocations it holds.
    pub fn len(&self) -> usize {
        self.newest().slots().len()
    }

    /// How many of each kind, by the kind's name in messages.
    pub fn len_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let table = self.newest();
        Kind::ALL
            .into_iter()
            .map(move |kind| (kind.name(), table.slots().count(kind)))
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts changes, of what is revoked and of what is proven: for whoever waits for news by polling.
    pub fn version(&self) -> u64 {
        self.control.changes()
    }

    /// Whether a revocation found no room since the last snapshot that did.
    pub fn has_lost(&self) -> bool {
        self.control.has_lost()
    }

    /// The table that counts.
    pub(crate) fn current(&self) -> Result<Guard<Arc<Table>>, MemoryError> {
        let held = self.held.load();
        if held.generation() == self.control.generation() {
            return Ok(held);
        }
        let table = fetch(&*self.memory, &self.control)?;
        self.hold(Arc::clone(&table));
        Ok(Guard::from_inner(table))
    }

    /// The last table that could be read, whether it still counts or not.
    pub(crate) fn held(&self) -> Guard<Arc<Table>> {
        self.held.load()
    }

    /// The table that counts, or else the last one that could be read.
    fn newest(&self) -> Arc<Table> {
        Guard::into_inner(self.current().unwrap_or_else(|_| self.held()))
    }

    pub(crate) fn hold(&self, table: Arc<Table>) {
        self.held.store(table);
    }

    pub(crate) fn memory(&self) -> &dyn Memory {
        &*self.memory
    }

    pub(crate) const fn control(&self) -> &Control {
        &self.control
    }

    pub(crate) const fn tagger(&self) -> &Tagger {
        &self.tagger
    }
}

/// The table that counts, even if others take its place meanwhile.
fn fetch(memory: &dyn Memory, control: &Control) -> Result<Arc<Table>, MemoryError> {
    loop {
        let generation = control.generation();
        let opened = memory
            .table(generation)
            .and_then(|words| Table::open(words, generation));
        match opened {
            Ok(table) => return Ok(Arc::new(table)),
            Err(error) if control.generation() == generation => return Err(error),
            // It was let go of between the two looks: there is a newer one.
            Err(_) => {}
        }
    }
}

/// 128 bits that nobody can guess, from the keys that the standard library draws for its own tables.
fn new_key() -> [u64; 2] {
    [0_u8, 1].map(|part| RandomState::new().hash_one(part))
}

#[cfg(test)]
mod tests;
