//! Any header is credentials or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_oauth::ClientCredentials;

fuzz_target!(|bytes: &[u8]| {
    let _ = ClientCredentials::from_basic(bytes);
});
