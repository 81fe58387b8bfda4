//! What single settings have to be.

use std::time::Duration;

use sealgate_model::Issuer;
use url::{Host, Url};

use super::SettingsError;

/// Plain http is for loopback development only: elsewhere cookies and codes would travel in clear.
pub(super) fn url_setting(name: &'static str, text: &str) -> Result<Issuer, SettingsError> {
    let wrong = |problem: &str| SettingsError::new(name, problem);
    let parsed = Url::parse(text).map_err(|_| {
        wrong("is not a URL: write it like https://app.example or http://localhost:8000")
    })?;
    if !matches!(parsed.scheme(), "https" | "http") {
        return Err(wrong(
            "is not an http(s) URL: write it like https://app.example",
        ));
    }
    // A password or a token may stand there, which must not be told.
    if text.contains(['?', '#', '@']) {
        return Err(wrong(
            "holds a user name, a query or a fragment: write it like https://app.example",
        ));
    }
    // Browsers and issuers are compared with byte by byte, in the one spelling that they use.
    let spelled = parsed.as_str().trim_end_matches('/');
    if text != spelled || parsed.path().contains("//") {
        let hint = format!(
            "is not spelled as browsers spell it: write {spelled:?}, without a trailing slash"
        );
        return Err(SettingsError::new(name, hint));
    }
    let loopback = match parsed.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if parsed.scheme() == "https" || loopback {
        text.parse()
            .map_err(|error| SettingsError::new(name, format!("cannot be used: {error}")))
    } else {
        Err(wrong(
            "must be https: plain http is for loopback addresses only",
        ))
    }
}

/// A scope is printable ASCII without quotes and backslashes (RFC 6749, 3.3).
pub(super) fn is_scope(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

pub(super) fn seconds_setting(
    name: &'static str,
    value: Option<&str>,
    default: u64,
    most: u64,
) -> Result<Duration, SettingsError> {
    let seconds = match value {
        None => default,
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| (1..=most).contains(seconds))
            .ok_or_else(|| {
                SettingsError::new(name, format!("is not a number of seconds from 1 to {most}"))
            })?,
    };
    Ok(Duration::from_secs(seconds))
}

/// One of `choices` by its name; the first when nothing is said.
pub(super) fn choice<T: Copy>(
    name: &'static str,
    value: Option<&str>,
    choices: &[(&str, T)],
    default: T,
) -> Result<T, SettingsError> {
    let Some(value) = value else {
        return Ok(default);
    };
    let found = choices.iter().find(|(word, _)| *word == value);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<String> = choices
            .iter()
            .map(|(word, _)| format!("`{word}`"))
            .collect();
        let problem = match words.as_slice() {
            [one, other] => format!("is neither {one} nor {other}"),
            words => format!("is none of {}", words.join(", ")),
        };
        SettingsError::new(name, problem)
    })
}

/// Absolute URIs without fragment, separated by blanks or commas (RFC 8707, 2). Where `is_foreign`, any
/// text: other providers make tokens for names of their own.
pub(super) fn resources_setting(
    name: &'static str,
    list: &str,
    is_foreign: bool,
) -> Result<Vec<String>, SettingsError> {
    let resources: Vec<String> = words(list).map(str::to_owned).collect();
    let sound = |text: &String| {
        text.len() <= 512
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && (is_foreign || !text.contains('#') && Url::parse(text).is_ok())
    };
    if resources.is_empty() || resources.len() > 16 || !resources.iter().all(sound) {
        let problem = "is no list of 1 to 16 absolute URIs: write it like https://api.example";
        return Err(SettingsError::new(name, problem));
    }
    Ok(resources)
}

/// Origins as browsers send them, separated by blanks or commas.
pub(super) fn origins_setting(
    name: &'static str,
    list: &str,
) -> Result<Vec<String>, SettingsError> {
    let origins = words(list).map(|text| {
        let url = url_setting(name, text)?;
        if url.path().is_empty() {
            Ok(url.as_str().to_owned())
        } else {
            let problem = "holds what is no origin: write them like https://www.app.example";
            Err(SettingsError::new(name, problem))
        }
    });
    origins.collect()
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([' ', ',', '\t', '\n'])
        .filter(|word| !word.is_empty())
}
