//! What looks like a secret in a declared file. None belongs there: a file is read by many, and kept for long.

use toml::Spanned;
use toml::de::DeValue;

/// Members that hold secrets elsewhere.
const NAMES: [&str; 19] = [
    "secret",
    "client_secret",
    "secret_hash",
    "password",
    "password_hash",
    "passphrase",
    "token",
    "access_token",
    "refresh_token",
    "registration_token",
    "bootstrap",
    "private_key",
    "private_key_pem",
    "api_key",
    "credential",
    "shared_secret",
    "signing_key",
    "seal_key",
    "master_key",
];

/// The private members of a JWK (RFC 7518, 6; RFC 8037, 2; RFC 9964 for `priv`).
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// The offset of the first thing under `value` that looks like a secret, and the name of its member.
/// `named` is false where names are somebody else's: those of claims, say.
pub(crate) fn find(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    named: bool,
    in_keys: bool,
) -> Option<(usize, String)> {
    let found = || Some((value.span().start, name.to_owned()));
    let lower = name.to_ascii_lowercase();
    let private = in_keys && PRIVATE.contains(&lower.as_str());
    let secret = named && NAMES.iter().any(|one| squashed(one) == squashed(&lower));
    match value.get_ref() {
        DeValue::Table(table) => {
            let is_key = table.iter().any(|(key, _)| key.get_ref() == "kty");
            let names_are_its_own = lower == "claims" || lower == "scopes" || lower == "tools";
            table.iter().find_map(|(key, value)| {
                let named = named && !names_are_its_own;
                find(key.get_ref(), value, named, is_key)
            })
        }
        DeValue::Array(list) if !private => list
            .iter()
            .find_map(|value| find(name, value, named, false)),
        _ if private || secret => found(),
        DeValue::String(text) if is_secret(text) => found(),
        _ => None,
    }
}

/// A name without the marks that part its words: `clientSecret` is `client-secret` is `client_secret`.
fn squashed(name: &str) -> String {
    name.replace(['_', '-'], "")
}

/// Whether a text is a URL with a password in it.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
}

/// Whether a text is a private key as JSON.
fn is_private_jwk(text: &str) -> bool {
    let has = |name: &str| text.contains(&format!("\"{name}\""));
    has("kty") && PRIVATE.into_iter().any(has)
}

/// Whether a text is a credential by its form: a private key in PEM or JSON, a compact JWS, a URL with a password or
/// one of our own.
fn is_secret(text: &str) -> bool {
    let text = text.trim();
    let pem = text.contains("-----BEGIN") && text.contains("PRIVATE KEY");
    let own = ["sealgate_bootstrap_", "sealgate_registration_"];
    let compact = text.len() > 60 && text.starts_with("eyJ") && text.matches('.').count() >= 2;
    let held = has_password(text) || is_private_jwk(text);
    pem || compact || held || own.iter().any(|start| text.starts_with(start))
}
