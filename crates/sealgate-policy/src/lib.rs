//! Policy under review: what claims give ([`mapping`]), what actors may do ([`cedar`]), and the versioned
//! [`Bundle`] of both that the control plane hands to gates. Pure: it knows files as text and time as a value.

mod bundle;
pub mod cedar;
mod declaring;
mod error;
pub mod mapping;

pub use bundle::{
    BUNDLE_LIMIT, BUNDLE_TYPE, Bundle, BundleClaims, BundleError, DEPTH_LIMIT, DOCUMENT_LIMIT,
    Document, ExpectedBundle, FORMAT, NONCE_LIMIT, digest_of,
};
pub use declaring::Declaring;
pub use error::PolicyError;
