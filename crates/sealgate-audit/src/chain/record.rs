//! The canonical bytes of a record's content, and their hash.

use super::Hash;

/// The form of the canonical bytes, told in their first byte and beside the row.
pub const FORM: u8 = 1;

/// What the canonical bytes are hashed after.
const CONTENT: &[u8] = b"sealgate audit record\n";

/// Everything that a record says, without its number, which is part of its link. Ids of users and sessions
/// are their 16 bytes; times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "named as the columns and members of records are"
)]
pub struct Record<'a> {
    pub at: i64,
    pub actor: &'a str,
    pub actor_type: Option<&'a str>,
    pub credential: Option<&'a str>,
    pub through: Option<&'a str>,
    pub through_session: Option<&'a [u8]>,
    pub action: &'a str,
    pub outcome: &'a str,
    pub reason: &'a str,
    pub user: Option<&'a [u8]>,
    pub client: Option<&'a str>,
    pub session: Option<&'a [u8]>,
    pub object: Option<&'a str>,
    pub network: Option<&'a str>,
    pub route: Option<&'a str>,
    pub trace: Option<&'a str>,
    pub count: i64,
    pub policy_version: Option<i64>,
}

impl Record<'_> {
    /// The canonical bytes, at the end of `into`: the form, then each field in the order of this struct.
    /// A field that is not there is the byte 0. One that is there is the byte 1, its length in bytes (4
    /// bytes, big-endian) and its bytes: text in UTF-8, numbers in 8 bytes, big-endian, two's complement. So
    /// nothing and an empty text differ, and no two records have the same bytes.
    pub fn write(&self, into: &mut Vec<u8>) {
        into.push(FORM);
        let mut put = |bytes: Option<&[u8]>| match bytes {
            None => into.push(0),
            Some(bytes) => {
                // SQLite holds no value that is longer.
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                into.push(1);
                into.extend_from_slice(&length.to_be_bytes());
                into.extend_from_slice(bytes);
            }
        };
        put(Some(&self.at.to_be_bytes()));
        put(Some(self.actor.as_bytes()));
        put(self.actor_type.map(str::as_bytes));
        put(self.credential.map(str::as_bytes));
        put(self.through.map(str::as_bytes));
        put(self.through_session);
        put(Some(self.action.as_bytes()));
        put(Some(self.outcome.as_bytes()));
        put(Some(self.reason.as_bytes()));
        put(self.user);
        put(self.client.map(str::as_bytes));
        put(self.session);
        put(self.object.map(str::as_bytes));
        put(self.network.map(str::as_bytes));
        put(self.route.map(str::as_bytes));
        put(self.trace.map(str::as_bytes));
        put(Some(&self.count.to_be_bytes()));
        put(self
            .policy_version
            .map(i64::to_be_bytes)
            .as_ref()
            .map(|version| &version[..]));
    }

    /// The content's hash. `scratch` is room for its bytes, kept from one record to the next.
    pub fn content(&self, scratch: &mut Vec<u8>) -> Hash {
        scratch.clear();
        scratch.extend_from_slice(CONTENT);
        self.write(scratch);
        Hash::of(scratch)
    }
}
