//! How far an assertion reaches: what it allows, what the client is registered for, and what is asked for.

use crate::{OAuthError, Scopes};

/// The scopes of a token for which another issuer vouches: those `asked` for, or else those that the assertion
/// names (`vouched`), and of them as many as the client is `registered` for and the resources have (`known`; where no resource says what
/// it has, that limits nothing).
///
/// Nothing is asked for and nothing named: nothing can be given. What is asked for beyond the assertion, the
/// registration or the resources is refused; what only the assertion names beyond them is left out. Those about a user's
/// own account (`openid`, `offline_access`) are left out always: an assertion starts nothing that can be renewed.
pub fn vouched_scopes(
    asked: Option<&Scopes>,
    vouched: Option<&Scopes>,
    registered: &[String],
    known: &[String],
) -> Result<Scopes, OAuthError> {
    let about_user = |token: &str| Scopes::ABOUT_USER.contains(&token);
    let within = |token: &&str| {
        let is = |one: &String| one == token;
        registered.iter().any(is) && (known.is_empty() || known.iter().any(is))
    };
    let tokens = |scopes: &'_ Scopes| -> Vec<String> {
        let tokens = scopes.as_slice().iter();
        tokens.filter(|token| !about_user(token)).cloned().collect()
    };
    let kept = match (asked, vouched) {
        (None, None) => return Err(OAuthError::ScopeMissing),
        (None, Some(vouched)) => {
            let named = tokens(vouched);
            named
                .into_iter()
                .filter(|token| within(&token.as_str()))
                .collect()
        }
        (Some(asked), vouched) => {
            let asked = tokens(asked);
            if vouched.is_some_and(|vouched| asked.iter().any(|token| !vouched.contains(token))) {
                return Err(OAuthError::ScopeWidened);
            }
            if asked.iter().any(|token| !within(&token.as_str())) {
                return Err(OAuthError::ScopeNotAllowed);
            }
            asked
        }
    };
    Scopes::from_tokens(kept.iter().map(String::as_str)).map_err(|error| match error {
        OAuthError::ScopeMissing => OAuthError::ScopeNotAllowed,
        error => error,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn given(asked: Option<&str>, vouched: Option<&str>) -> Result<String, OAuthError> {
        let read = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let registered = ["openid", "notes:read", "notes:write", "mail:send"].map(String::from);
        let known = ["notes:read", "notes:write", "notes:purge"].map(String::from);
        vouched_scopes(
            read(asked).as_ref(),
            read(vouched).as_ref(),
            &registered,
            &known,
        )
        .map(|scopes| scopes.to_string())
    }

    #[test]
    fn an_assertion_is_narrowed_and_never_widened() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(given(None, Some("notes:read")), ok("notes:read"));
        assert_eq!(
            given(
                None,
                Some("notes:read notes:purge mail:send openid offline_access")
            ),
            ok("notes:read")
        );
        assert_eq!(
            given(Some("notes:read"), Some("notes:read notes:write")),
            ok("notes:read")
        );
        assert_eq!(given(Some("notes:read openid"), None), ok("notes:read"));
        for (asked, vouched, error) in [
            (None, None, OAuthError::ScopeMissing),
            (
                Some("notes:write"),
                Some("notes:read"),
                OAuthError::ScopeWidened,
            ),
            (
                Some("notes:purge"),
                Some("notes:purge"),
                OAuthError::ScopeNotAllowed,
            ),
            (Some("mail:send"), None, OAuthError::ScopeNotAllowed),
            (Some("openid"), Some("openid"), OAuthError::ScopeNotAllowed),
            (None, Some("mail:send"), OAuthError::ScopeNotAllowed),
        ] {
            assert_eq!(given(asked, vouched), Err(error), "{asked:?} {vouched:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_given_lies_within_everything(
            asked in proptest::option::of("[a-e]( [a-e]){0,4}"),
            vouched in proptest::option::of("[a-e]( [a-e]){0,4}"),
            registered in proptest::collection::vec("[a-e]", 0..5),
            known in proptest::collection::vec("[a-e]", 0..5),
        ) {
            let read = |text: &Option<String>| text.as_ref().map(|text| text.parse::<Scopes>().unwrap());
            let (asked, vouched) = (read(&asked), read(&vouched));
            if let Ok(scopes) = vouched_scopes(asked.as_ref(), vouched.as_ref(), &registered, &known) {
                for scope in scopes.as_slice() {
                    prop_assert!(registered.contains(scope) && (known.is_empty() || known.contains(scope)));
                    prop_assert!(asked.as_ref().is_none_or(|asked| asked.contains(scope)));
                    prop_assert!(vouched.as_ref().is_none_or(|vouched| vouched.contains(scope)));
                }
            }
        }
    }
}
