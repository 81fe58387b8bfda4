//! How much of everything a mapping may have. docs/reference/limits.md lists them.

/// Rules of one mapping.
pub const RULES_MOST: usize = 500;
/// Issuers whose own words are said something of.
pub const ISSUERS_MOST: usize = 100;
/// Values that one condition names, and issuers, clients and kinds of a rule.
pub const VALUES_MOST: usize = 64;
/// Claims that one rule asks for.
pub const CLAIMS_MOST: usize = 16;
/// Different claims that a mapping reads altogether.
pub const PATHS_MOST: usize = 64;
/// Roles, and scopes, that one rule gives.
pub const GIVEN_MOST: usize = 32;
/// Different roles, and scopes, that a mapping gives altogether.
pub const GIVEN_ALTOGETHER_MOST: usize = 256;
/// Bytes of a rule's name.
pub const NAME_BYTES_MOST: usize = 100;
/// Bytes of a value that is compared. A longer one in a credential fits nothing.
pub const TEXT_BYTES_MOST: usize = 255;
/// Bytes of a path to a claim.
pub const PATH_BYTES_MOST: usize = 256;
/// Names of a path to a claim.
pub const PATH_NAMES_MOST: usize = 8;
