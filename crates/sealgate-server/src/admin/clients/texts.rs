//! What a client's id, name, addresses and scopes must be.

use sealgate_model::{ClientId, Random};
use sealgate_oauth::{RedirectUri, RedirectUriError, Scopes};

use crate::admin_scopes;
use crate::problem::Problem;
use crate::sign_in::address;

/// The scopes every client may ask for.
pub(super) const STANDARD_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The most of anything that a client has several of.
pub(super) const MOST: usize = 32;

/// An id that can be registered. A user's id looks like a UUID; the others are read as something else in
/// a path.
pub(in crate::admin) fn id(id: ClientId) -> Result<ClientId, Problem> {
    if id.looks_like_user() || matches!(id.as_str(), "." | "..") {
        return Err(Problem::unprocessable(
            "client_id_refused",
            "a client id must not read as a UUID, which a user's id does, or as a step in a path",
        ));
    }
    Ok(id)
}

pub(in crate::admin) fn name(text: &str) -> Result<String, Problem> {
    let trimmed = text.trim();
    let sound =
        text.len() <= 100 && !trimmed.is_empty() && !trimmed.chars().any(address::is_hidden);
    if sound {
        Ok(trimmed.to_owned())
    } else {
        Err(Problem::unprocessable(
            "name_malformed",
            "a client's name has 1 to 100 bytes and no control or hidden characters",
        ))
    }
}

/// The URIs as they will be compared, each once.
pub(super) fn uris(given: Vec<String>) -> Result<Vec<String>, Problem> {
    if given.len() > MOST {
        return Err(Problem::unprocessable(
            "too_many_uris",
            format!("a client has at most {MOST} URIs of a kind"),
        ));
    }
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for text in given {
        let uri: RedirectUri = text.parse().map_err(|error: RedirectUriError| {
            Problem::unprocessable(error.code(), format!("{}: {error}", shortened(&text)))
        })?;
        if !kept.iter().any(|known| known == uri.as_str()) {
            kept.push(uri.as_str().to_owned());
        }
    }
    Ok(kept)
}

/// The standard scopes and the given ones.
pub(super) fn scopes(given: &[String]) -> Result<Vec<String>, Problem> {
    let malformed = || {
        Problem::unprocessable(
            "scope_malformed",
            "a scope is 1 to 256 printable characters without space, quote or backslash, and there are at most 32 with openid, profile, email and offline_access",
        )
    };
    if given.len() > MOST {
        return Err(malformed());
    }
    reserved(given)?;
    let all = STANDARD_SCOPES
        .into_iter()
        .chain(given.iter().map(String::as_str));
    Scopes::from_tokens(all)
        .map(Scopes::into_vec)
        .map_err(|_| malformed())
}

/// Refuses what reads as a scope of the administration and is none.
pub(in crate::admin) fn reserved(given: &[String]) -> Result<(), Problem> {
    let own = |scope: &&String| admin_scopes::is_one(scope);
    match given
        .iter()
        .filter(own)
        .find(|scope| !admin_scopes::is_known(scope))
    {
        None => Ok(()),
        Some(unknown) => Err(Problem::unprocessable(
            "scope_reserved",
            format!(
                "{} is no scope of the administration, whose names begin with {}",
                shortened(unknown),
                admin_scopes::PREFIX
            ),
        )),
    }
}

/// As much of what was given as helps to find it again.
pub(in crate::admin) fn shortened(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        start
    }
}

/// An id people recognise in a list: the name in lower case with hyphens, and six random letters, so
/// that a second client of the same name gets another.
pub(super) fn id_from(name: &str, random: &dyn Random) -> Result<ClientId, Problem> {
    let mut slug = String::new();
    for c in name.chars().take(60) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "client" } else { slug };
    // 32 letters, none of which is easily taken for another.
    let letters = random
        .bytes::<6>()
        .map(|byte| char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[usize::from(byte % 32)]));
    let text = format!("{slug}-{}", String::from_iter(letters));
    text.parse().map_err(|_| Problem::internal())
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeRandom;

    use super::*;

    #[test]
    fn an_id_is_made_from_the_name() {
        let random = FakeRandom::seeded(7);
        let id = |name: &str| id_from(name, &random).unwrap().as_str().to_owned();
        assert!(id("Expense Tracker (staging)").starts_with("expense-tracker-staging-"));
        assert!(id("报销").starts_with("client-"));
        assert_ne!(id("a"), id("a"));
        assert!(id(&"x".repeat(100)).len() <= 128);
    }

    #[test]
    fn an_id_that_could_be_taken_for_something_else_is_refused() {
        for wrong in [".", "..", "01890a5d-ac96-774b-bcce-b302099a8057"] {
            let refused = id(wrong.parse().unwrap()).unwrap_err();
            assert_eq!(refused.reason(), "client_id_refused", "{wrong}");
        }
        assert!(id("...".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_name_that_looks_like_another_is_refused() {
        assert_eq!(name(" Expense tracker ").unwrap(), "Expense tracker");
        for wrong in ["", " ", "a\u{1b}[2J", "Bank\u{202e}knab", "Ba\u{200b}nk"] {
            assert_eq!(name(wrong).unwrap_err().reason(), "name_malformed");
        }
    }

    #[test]
    fn every_client_may_ask_for_the_standard_scopes() {
        let given = ["expenses:read", "openid"].map(str::to_owned);
        let all = [
            "openid",
            "profile",
            "email",
            "offline_access",
            "expenses:read",
        ];
        assert_eq!(scopes(&given).unwrap(), all);
        for (wrong, reason) in [
            ("a b", "scope_malformed"),
            ("sealgate:everything", "scope_reserved"),
        ] {
            let refused = scopes(&[wrong.to_owned()]).unwrap_err();
            assert_eq!(refused.reason(), reason);
        }
        let repeated = vec!["a".to_owned(); 33];
        assert_eq!(scopes(&repeated).unwrap_err().reason(), "scope_malformed");
    }

    #[test]
    fn redirect_uris_are_kept_once_and_refused_with_the_one_that_is_wrong() {
        let twice = vec!["https://a.example/cb".to_owned(); 2];
        assert_eq!(uris(twice).unwrap(), ["https://a.example/cb"]);
        let problem = uris(vec!["http://a.example/cb".to_owned()]).unwrap_err();
        assert_eq!(problem.reason(), "redirect_uri_scheme");
        assert!(problem.detail().starts_with("http://a.example/cb: "));
        let many = vec!["https://a.example/cb".to_owned(); 33];
        assert_eq!(uris(many).unwrap_err().reason(), "too_many_uris");
    }
}
