//! Records that do not have their hash, and what was done to them.
//!
//! A record that was changed breaks its own link and, as its hash stays, no other. A record in another's
//! place breaks links around it, but its own link still holds for the number that it was written under.

use super::{FindingKind, Hash, Report};

/// So many are looked at together; more are just called altered.
const TOGETHER: usize = 48;

/// A record without its hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspect {
    pub(super) number: i64,
    /// The stored hash of the record before, where that is known.
    pub(super) previous: Option<Hash>,
    /// Its stored hash; none if that is none.
    pub(super) stored: Option<Hash>,
    /// The hash of its content.
    pub(super) content: Hash,
}

/// Records that are not there: the first one's number, and the hash before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hole {
    pub(super) first: i64,
    pub(super) previous: Option<Hash>,
}

/// Says of each suspect what it is.
pub(super) fn judge(suspects: &[Suspect], holes: &[Hole], report: &mut Report) {
    let few = suspects.len() <= TOGETHER;
    // The places that records may have been taken from, with what the first hash there stands on.
    let mut places: Vec<(i64, Option<Hash>)> = Vec::new();
    if few {
        places.extend(suspects.iter().map(|one| (one.number, one.previous)));
        places.extend(
            holes
                .iter()
                .take(TOGETHER)
                .map(|hole| (hole.first, hole.previous)),
        );
    }
    for suspect in suspects {
        match place_of(suspect, &places, suspects) {
            // Its neighbour is another one's; it is itself as it was written.
            Some(number) if number == suspect.number => {}
            Some(number) => {
                let (first, last) = (suspect.number.min(number), suspect.number.max(number));
                let place = suspect.number;
                let detail = format!("record {number} stands in the place of record {place}");
                report.find(FindingKind::Reordered, first, last, detail);
            }
            None => {
                let number = suspect.number;
                let detail = match suspect.stored {
                    Some(_) => {
                        format!("record {number} or its hash was changed, or it was never written")
                    }
                    None => format!("record {number} has no hash"),
                };
                report.find(FindingKind::Altered, number, number, detail);
            }
        }
    }
}

/// The number that `suspect` was written under, if that can be told.
fn place_of(suspect: &Suspect, places: &[(i64, Option<Hash>)], all: &[Suspect]) -> Option<i64> {
    let stored = suspect.stored?;
    places.iter().find_map(|(number, previous)| {
        let fits = |before: &Hash| Hash::link(before, *number, &suspect.content) == stored;
        let displaced = all.iter().filter_map(|other| other.stored.as_ref());
        let found = previous.iter().chain(displaced).any(fits);
        found.then_some(*number)
    })
}
