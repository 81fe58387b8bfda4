//! Whatever stands in a file of settings: settings or an error of one line, without any value, and what
//! the environment says stands.
#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sealgate_gate::Sources;

const SET: [(&str, &str); 5] = [
    ("SEALGATE_ISSUER", "https://id.example"),
    ("SEALGATE_BASE_URL", "https://app.example"),
    ("SEALGATE_CLIENT_ID", "app"),
    ("SEALGATE_CLIENT_SECRET", "s3cret-s3cret"),
    ("SEALGATE_SEAL_KEYS", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"),
];

fuzz_target!(|text: &[u8]| {
    let variable = |name: &str| {
        let found = SET.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let read = |path: &Path| match path {
        path if path == Path::new(".env") => Ok(text.to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
    };
    let sources = Sources::environment(&variable, Some(Path::new(".env")), &read);
    match sources.and_then(|sources| sources.settings()) {
        Ok(settings) => assert_eq!(settings.client_secret.expose(), "s3cret-s3cret"),
        Err(error) => assert!(!error.to_string().contains(['\n', '\u{1b}'])),
    }
});
