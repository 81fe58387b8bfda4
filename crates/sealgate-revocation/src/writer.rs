//! Writing into a view: one at a time, in any process, each ready to go on where the last one died.

use std::sync::Arc;

use arc_swap::Guard;
use sealgate_model::Timestamp;

use crate::slot::{Kind, Packed};
use crate::slots::{Put, words_for};
use crate::table::Table;
use crate::view::View;
use crate::{Entry, MemoryError, Subject, Writing};

/// The leave to write into one view.
pub(crate) struct Writer<'a> {
    view: &'a View,
    table: Arc<Table>,
    changed: bool,
    /// There was no memory for a larger table, and asking for each entry would take long.
    cramped: bool,
    /// Last, so that nobody else writes before this one has ended.
    _lock: Box<dyn Writing + 'a>,
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if self.changed {
            self.view.control().change();
        }
        self.view.control().end();
    }
}

impl<'a> Writer<'a> {
    /// Waits for its turn. What a dead writer left behind is put right first.
    pub(crate) fn new(view: &'a View) -> Result<Self, MemoryError> {
        let lock = view.memory().lock()?;
        let table = Guard::into_inner(view.current()?);
        if view.control().begin() {
            table.slots().recount();
            // It may have died before anybody could use the next table, or before letting go of the last.
            let generation = table.generation();
            view.memory().retire(generation + 1);
            view.memory().retire(generation.saturating_sub(1));
        }
        Ok(Self {
            view,
            table,
            changed: false,
            cramped: false,
            _lock: lock,
        })
    }

    /// Makes room for so many entries in all at once; without it, they find room one by one.
    pub(crate) fn reserve(&mut self, entries: usize) {
        let bits = Table::bits_for(entries);
        if bits > self.table.bits() {
            // The insertion that needs the room tells if there is none.
            let _ = self.copy_into(bits, |_| true);
        }
    }

    /// Adds a revocation.
    pub(crate) fn insert(&mut self, entry: &Entry) -> Result<(), MemoryError> {
        let (kind, name, not_before) = parts(&entry.subject);
        let tag = self.view.tagger().tag(kind, name);
        if self.table.slots().are_half_full() && !self.cramped {
            self.cramped = self.copy_into(self.table.bits() + 1, |_| true).is_err();
        }
        // Until then slower lookups are better than what is revoked and not denied.
        if self.table.slots().are_full() && !self.table.slots().hold(tag) {
            return Err(MemoryError("no larger table is to be had".to_owned()));
        }
        let value = Packed::new(not_before, entry.expires_at);
        match self.table.slots().put(kind, tag, value) {
            Put::Done => self.changed = true,
            Put::Known => {}
            Put::NoRoom => return Err(MemoryError("the table is full".to_owned())),
        }
        Ok(())
    }

    /// Forgets what expired at or before `now`.
    pub(crate) fn sweep(&mut self, now: Timestamp) -> Result<(), MemoryError> {
        let slots = self.table.slots();
        if !slots.may_have_expired(now) {
            return Ok(());
        }
        let lives = |value: Packed| !value.span().is_over(now);
        let living = slots.entries().filter(|(.., value)| lives(*value));
        let living = living.count();
        if living == slots.len() {
            slots.recount();
            return Ok(());
        }
        // A wave of revocations should not hold its memory for ever; some room is left for the next.
        let bits = self.table.bits().min(Table::bits_for(living) + 1);
        self.copy_into(bits, lives)
    }

    /// Puts a new table in place of this one, with what `keeps` keeps.
    fn copy_into(&mut self, bits: u32, keeps: impl Fn(Packed) -> bool) -> Result<(), MemoryError> {
        let (memory, old) = (self.view.memory(), self.table.generation());
        let words = words_for(bits);
        let made = memory.make(old + 1, words)?;
        if made.words().len() < words {
            return Err(MemoryError("less than was asked for".to_owned()));
        }
        let new = Table::lay_out(made, old + 1, bits);
        let slots = new.slots();
        for (kind, tag, value) in self.table.slots().entries() {
            if keeps(value) && slots.put(kind, tag, value) == Put::NoRoom {
                return Err(MemoryError("the table is full".to_owned()));
            }
        }
        self.table = Arc::new(new);
        self.view.control().publish(old + 1);
        self.view.hold(Arc::clone(&self.table));
        memory.retire(old);
        self.changed = true;
        Ok(())
    }
}

/// What a subject is by kind and name, and the last moment that is revoked, if that is what decides.
fn parts(subject: &Subject) -> (Kind, &[u8], Option<Timestamp>) {
    match subject {
        Subject::Session(id) => (Kind::Session, id.as_bytes(), None),
        Subject::Grant(id) => (Kind::Grant, id.as_bytes(), None),
        Subject::Key { kid } => (Kind::Key, kid.as_bytes(), None),
        Subject::Token { jti } => (Kind::Token, jti.as_bytes(), None),
        Subject::User { sub, not_before } => (Kind::User, sub.as_bytes(), Some(*not_before)),
        Subject::Client { client, not_before } => {
            (Kind::Client, client.as_str().as_bytes(), Some(*not_before))
        }
        Subject::Tenant { tenant, not_before } => {
            (Kind::Tenant, tenant.as_str().as_bytes(), Some(*not_before))
        }
        Subject::UserClaims { sub, not_before } => {
            (Kind::UserClaims, sub.as_bytes(), Some(*not_before))
        }
        Subject::ClientClaims { client, not_before } => (
            Kind::ClientClaims,
            client.as_str().as_bytes(),
            Some(*not_before),
        ),
        Subject::Policy { not_before } => (Kind::Policy, b"", Some(*not_before)),
        Subject::All { not_before } => (Kind::All, b"", Some(*not_before)),
    }
}
