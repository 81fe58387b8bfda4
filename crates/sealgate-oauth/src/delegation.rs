//! Who acts for a user: the `act` claim (RFC 8693, 4.1), and what a delegated token may be used for.

use sealgate_model::ClientId;
use serde::{Deserialize, Serialize};

use crate::{OAuthError, Scopes};

/// What kind of actor a client is: the `sub_profile` of its `act`, or of its own tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorProfile {
    /// A service or an application.
    Service,
    /// An AI agent.
    AiAgent,
}

impl ActorProfile {
    /// That of a client, which is registered as an agent or not.
    pub const fn of(agent: bool) -> Self {
        if agent { Self::AiAgent } else { Self::Service }
    }
}

/// A client that acts for the user of a token, and through it those that did before: the latest outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// The client.
    pub sub: ClientId,
    /// What kind of actor it is.
    pub sub_profile: ActorProfile,
    /// Whom it acts through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Self>>,
}

impl Act {
    /// How many clients may stand one behind the other. Each hop is one more that can be taken over, and a
    /// chain that goes on for ever is a loop.
    pub const DEEPEST: usize = 4;

    /// The client that acts, on top of those that did before.
    ///
    /// # Errors
    /// [`OAuthError::DelegationTooDeep`] if those are [`Self::DEEPEST`] already.
    pub fn new(
        sub: ClientId,
        sub_profile: ActorProfile,
        before: Option<Self>,
    ) -> Result<Self, OAuthError> {
        let act = Self {
            sub,
            sub_profile,
            act: before.map(Box::new),
        };
        if act.chain().count() > Self::DEEPEST {
            Err(OAuthError::DelegationTooDeep)
        } else {
            Ok(act)
        }
    }

    /// Every client that acts, the latest first.
    pub fn chain(&self) -> impl Iterator<Item = &ClientId> {
        std::iter::successors(Some(self), |act| act.act.as_deref()).map(|act| &act.sub)
    }
}

/// The one client that may exchange a token (`may_act`, RFC 8693, 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MayAct {
    /// The client.
    pub sub: ClientId,
}

/// The scopes of a delegated token: those asked for, or all that may be had.
///
/// `registered` are the client's own, `known` those that the resources describe (none: they describe none, and
/// say nothing about it), `held` those of the token that is exchanged (none: it is the client's own session,
/// where the registration is the measure). What is about the user has no use in such a token, and opens
/// userinfo beside the resource.
///
/// # Errors
/// [`OAuthError::ExchangeScopeRefused`], [`OAuthError::ScopeNotAllowed`] and [`OAuthError::ScopeWidened`], also
/// where nothing is asked for and nothing may be had.
pub fn delegated_scopes(
    asked: Option<&Scopes>,
    registered: &[String],
    known: &[String],
    held: Option<&[String]>,
) -> Result<Scopes, OAuthError> {
    let about_user = |token: &str| Scopes::ABOUT_USER.contains(&token);
    let own =
        |token: &String| registered.contains(token) && (known.is_empty() || known.contains(token));
    let is_held = |token: &String| held.is_none_or(|held| held.contains(token));
    match asked {
        Some(asked) if asked.as_slice().iter().any(|token| about_user(token)) => {
            Err(OAuthError::ExchangeScopeRefused)
        }
        Some(asked) if !asked.as_slice().iter().all(own) => Err(OAuthError::ScopeNotAllowed),
        Some(asked) if !asked.as_slice().iter().all(is_held) => Err(OAuthError::ScopeWidened),
        Some(asked) => Ok(asked.clone()),
        None => {
            let had = |token: &&String| !about_user(token) && own(token) && is_held(token);
            Scopes::from_tokens(registered.iter().filter(had).map(String::as_str)).map_err(|_| {
                match held {
                    Some(_) => OAuthError::ScopeWidened,
                    None => OAuthError::ScopeNotAllowed,
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn act(subs: &[&str]) -> Result<Option<Act>, OAuthError> {
        subs.iter().try_fold(None, |before, sub| {
            Act::new(sub.parse().unwrap(), ActorProfile::Service, before).map(Some)
        })
    }

    fn own(tokens: &[&str]) -> Vec<String> {
        tokens.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_latest_actor_stands_outside() {
        let inner = act(&["shop"]).unwrap();
        let act = Act::new("robot".parse().unwrap(), ActorProfile::of(true), inner).unwrap();
        let written = json!({
            "sub": "robot", "sub_profile": "ai_agent", "act": { "sub": "shop", "sub_profile": "service" },
        });
        assert_eq!(serde_json::to_value(&act).unwrap(), written);
        assert_eq!(serde_json::from_value::<Act>(written).unwrap(), act);
        let chain: Vec<_> = act.chain().map(ClientId::as_str).collect();
        assert_eq!(chain, ["robot", "shop"]);
    }

    #[test]
    fn four_actors_may_stand_behind_one_another_and_no_fifth() {
        assert_eq!(
            act(&["a", "b", "c", "d"]).unwrap().unwrap().chain().count(),
            4
        );
        let five = act(&["a", "b", "c", "d", "e"]);
        assert_eq!(five.unwrap_err(), OAuthError::DelegationTooDeep);
    }

    #[test]
    fn an_actor_of_an_unknown_kind_is_none() {
        for wrong in [
            json!({ "sub": "a" }),
            json!({ "sub": "a", "sub_profile": "human" }),
            json!({ "sub": "a", "sub_profile": "service", "iss": "b" }),
            json!({ "sub": "a b", "sub_profile": "service" }),
        ] {
            assert!(
                serde_json::from_value::<Act>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn who_may_act_is_one_client_and_nothing_else() {
        let named = MayAct {
            sub: "broker".parse().unwrap(),
        };
        let written = json!({ "sub": "broker" });
        assert_eq!(serde_json::to_value(&named).unwrap(), written);
        assert_eq!(serde_json::from_value::<MayAct>(written).unwrap(), named);
        for wrong in [
            json!({}),
            json!({ "sub": "" }),
            json!({ "sub": ["broker"] }),
            json!({ "sub": "broker", "iss": "https://other.example" }),
        ] {
            let read = serde_json::from_value::<MayAct>(wrong.clone());
            assert!(read.is_err(), "{wrong}");
        }
    }

    #[test]
    fn scopes_are_what_client_resource_and_token_have_in_common() {
        let registered = own(&["openid", "a:read", "a:write", "b:read"]);
        let scopes = |asked: &str, known: &[&str], held: Option<&[&str]>| {
            let asked = (!asked.is_empty()).then(|| asked.parse().unwrap());
            let held = held.map(own);
            delegated_scopes(asked.as_ref(), &registered, &own(known), held.as_deref())
                .map(|scopes| scopes.to_string())
        };
        let all = "a:read a:write b:read";
        assert_eq!(scopes("", &[], None), Ok(all.to_owned()));
        assert_eq!(scopes("", &["a:read", "c"], None), Ok("a:read".to_owned()));
        let held: Option<&[&str]> = Some(&["openid", "a:write", "c"]);
        assert_eq!(scopes("", &[], held), Ok("a:write".to_owned()));
        assert_eq!(scopes("a:write", &[], held), Ok("a:write".to_owned()));
        for (asked, known, held, error) in [
            ("openid", &[][..], held, OAuthError::ExchangeScopeRefused),
            (
                "offline_access",
                &[],
                None,
                OAuthError::ExchangeScopeRefused,
            ),
            ("c", &[], held, OAuthError::ScopeNotAllowed),
            ("a:read", &["b:read"], None, OAuthError::ScopeNotAllowed),
            ("a:read", &[], held, OAuthError::ScopeWidened),
            ("", &["b:read"], held, OAuthError::ScopeWidened),
            ("", &["c"], None, OAuthError::ScopeNotAllowed),
        ] {
            assert_eq!(scopes(asked, known, held), Err(error), "{asked} {known:?}");
        }
    }

    proptest! {
        #[test]
        fn no_exchange_gives_a_scope_that_client_resource_or_token_lack(
            asked in proptest::option::of(proptest::collection::vec("[a-d]", 1..4)),
            registered in proptest::collection::vec("[a-d]|openid", 0..5),
            known in proptest::collection::vec("[a-d]", 0..4),
            held in proptest::option::of(proptest::collection::vec("[a-d]|openid", 0..5)),
        ) {
            let asked = asked.map(|asked| asked.join(" ").parse::<Scopes>().unwrap());
            if let Ok(given) = delegated_scopes(asked.as_ref(), &registered, &known, held.as_deref()) {
                for scope in given.as_slice() {
                    prop_assert!(registered.contains(scope) && scope != "openid");
                    prop_assert!(known.is_empty() || known.contains(scope));
                    prop_assert!(held.as_ref().is_none_or(|held| held.contains(scope)));
                }
            }
        }
    }
}
