//! What issuers are like, as data: one entry for each product that `SEALGATE_PROVIDER` names.
//!
//! docs/how-to/another-provider.md says of each entry where it comes from and what was tried.

/// What an issuer is like.
#[derive(Debug)]
pub(crate) struct Preset {
    /// Its name in settings.
    pub(crate) name: &'static str,
    /// Whether it has a revocation feed, without whose word no session passes.
    pub(crate) has_feed: bool,
    /// The scope without which there is no refresh token, asked for unless scopes are set.
    pub(crate) refresh_scope: Option<&'static str>,
    /// Whether the client's secret goes into the form of a token request, whatever the metadata says.
    pub(crate) secret_in_form: bool,
    /// What else the authorization request says.
    pub(crate) authorization: &'static [(&'static str, Says)],
    /// What its ID tokens are like.
    pub(crate) id_tokens: IdTokens,
    /// What its access tokens are like; none where they are nothing that could be verified.
    pub(crate) access_tokens: Option<AccessTokens>,
    /// How a browser is signed out there.
    pub(crate) logout: Logout,
}

/// What a parameter of the authorization request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// This text.
    Text(&'static str),
    /// The first audience of the settings, if they name one.
    Audience,
    /// This text where `offline_access` is asked for (OpenID Connect Core 1.0, 11).
    WhenOffline(&'static str),
}

/// The habits of ID tokens.
#[derive(Debug)]
pub(crate) struct IdTokens {
    /// Whether they have to state their type and name their key.
    pub(crate) is_strict: bool,
    /// Whether they have to name the session. Without a name the gate makes one up.
    pub(crate) names_session: bool,
    /// Where they keep roles.
    pub(crate) roles: &'static [Path],
    /// Where they keep the organisation: the first that is there.
    pub(crate) tenant: &'static [&'static str],
}

/// The habits of access tokens.
#[derive(Debug)]
pub(crate) struct AccessTokens {
    /// The types that they may state.
    pub(crate) types: &'static [&'static str],
    /// Whether they may state none.
    pub(crate) type_optional: bool,
    /// Whether they may name no key, where exactly one key is for their algorithm.
    pub(crate) kid_optional: bool,
    /// Whether they may have no id of their own.
    pub(crate) jti_optional: bool,
    /// What tells them from the issuer's other tokens, where their type does not.
    pub(crate) marker: Marker,
    /// Where they keep the client: the first that is there.
    pub(crate) client: &'static [&'static str],
    /// Where they keep scopes, as one text or as a list: all that are there.
    pub(crate) scopes: &'static [&'static str],
    /// Where they keep roles: all that are there.
    pub(crate) roles: &'static [Path],
    /// Where they keep the organisation: the first that is there.
    pub(crate) tenant: &'static [&'static str],
    /// How a client's own token is told from a user's.
    pub(crate) machine: &'static [Machine],
}

/// The names that lead from the claims to a value, outermost first.
pub(crate) type Path = &'static [&'static str];

/// What only an access token says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// Nothing but its type, which is required.
    Type,
    /// Nothing that is certain: what an ID token says must be missing.
    NoIdToken,
    /// As before; and this claim is one of these texts.
    Claim(&'static str, &'static [&'static str]),
    /// As before; and this claim begins so.
    Prefix(&'static str, &'static str),
    /// As before; and one of these claims is there.
    AnyOf(&'static [&'static str]),
}

/// What makes a token a client's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    /// The subject is the client.
    SubjectIsClient,
    /// This claim is this text.
    Claim(&'static str, &'static str),
    /// The subject is the client with this behind it.
    SubjectIsClientWith(&'static str),
    /// Both claims are there and the same.
    Same(&'static str, &'static str),
    /// As before, and none of these is there.
    SameWithout(&'static str, &'static str, &'static [&'static str]),
}

/// How a browser is signed out at the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logout {
    /// With the session as a hint (docs/decisions/0008-logout-hint.md).
    Hinted,
    /// With the client alone (OpenID Connect RP-Initiated Logout 1.0, 2): the issuer may ask the user.
    Client,
    /// Not at all: its endpoint is of no use without the ID token, which the gate does not keep.
    Never,
}

/// The claims of an ID token that say so little of a session that it cannot be more than a user's.
const PLAIN_ID_TOKENS: IdTokens = IdTokens {
    is_strict: false,
    names_session: false,
    roles: &[&["roles"]],
    tenant: &["tenant"],
};

/// An access token as RFC 9068 has it.
const STANDARD: AccessTokens = AccessTokens {
    types: &["at+jwt"],
    type_optional: false,
    kid_optional: true,
    jti_optional: false,
    marker: Marker::Type,
    client: &["client_id"],
    scopes: &["scope"],
    roles: &[&["roles"]],
    tenant: &["tenant"],
    machine: &[Machine::SubjectIsClient],
};

/// One that does not state its type, or a type that says nothing.
const UNTYPED: AccessTokens = AccessTokens {
    types: &["at+jwt", "JWT"],
    type_optional: true,
    jti_optional: true,
    marker: Marker::NoIdToken,
    ..STANDARD
};

const PLAIN: Preset = Preset {
    name: "openid",
    has_feed: false,
    refresh_scope: None,
    secret_in_form: false,
    authorization: &[("prompt", Says::WhenOffline("consent"))],
    id_tokens: PLAIN_ID_TOKENS,
    access_tokens: Some(STANDARD),
    logout: Logout::Client,
};

/// Every preset; the first is the default.
pub(crate) static PRESETS: [Preset; 8] = [
    Preset {
        name: "sealgate",
        has_feed: true,
        refresh_scope: None,
        secret_in_form: false,
        authorization: &[],
        id_tokens: IdTokens {
            is_strict: true,
            names_session: true,
            ..PLAIN_ID_TOKENS
        },
        access_tokens: Some(AccessTokens {
            kid_optional: false,
            ..STANDARD
        }),
        logout: Logout::Hinted,
    },
    PLAIN,
    Preset {
        name: "workos",
        refresh_scope: Some("offline_access"),
        secret_in_form: true,
        authorization: &[],
        id_tokens: IdTokens {
            roles: &[&["roles"], &["role"]],
            tenant: &["org_id"],
            ..PLAIN_ID_TOKENS
        },
        access_tokens: Some(AccessTokens {
            scopes: &["scope", "permissions"],
            roles: &[&["roles"], &["role"]],
            tenant: &["org_id"],
            ..UNTYPED
        }),
        logout: Logout::Never,
        ..PLAIN
    },
    Preset {
        name: "auth0",
        refresh_scope: Some("offline_access"),
        authorization: &[("audience", Says::Audience)],
        id_tokens: IdTokens {
            tenant: &["org_id"],
            ..PLAIN_ID_TOKENS
        },
        access_tokens: Some(AccessTokens {
            client: &["client_id", "azp"],
            scopes: &["scope", "permissions"],
            tenant: &["org_id"],
            machine: &[
                Machine::SubjectIsClientWith("@clients"),
                Machine::Claim("gty", "client-credentials"),
            ],
            ..UNTYPED
        }),
        ..PLAIN
    },
    Preset {
        name: "okta",
        refresh_scope: Some("offline_access"),
        authorization: &[],
        id_tokens: IdTokens {
            roles: &[&["groups"]],
            tenant: &[],
            ..PLAIN_ID_TOKENS
        },
        access_tokens: Some(AccessTokens {
            marker: Marker::Prefix("jti", "AT."),
            client: &["cid"],
            scopes: &["scp"],
            roles: &[&["groups"]],
            tenant: &[],
            ..UNTYPED
        }),
        logout: Logout::Never,
        ..PLAIN
    },
    Preset {
        name: "entra",
        refresh_scope: Some("offline_access"),
        authorization: &[],
        id_tokens: IdTokens {
            tenant: &["tid"],
            ..PLAIN_ID_TOKENS
        },
        access_tokens: Some(AccessTokens {
            marker: Marker::AnyOf(&["scp", "roles", "idtyp"]),
            client: &["azp", "appid"],
            scopes: &["scp"],
            tenant: &["tid"],
            machine: &[
                Machine::Claim("idtyp", "app"),
                Machine::SameWithout("sub", "oid", &["scp"]),
            ],
            ..UNTYPED
        }),
        ..PLAIN
    },
    Preset {
        name: "google",
        authorization: &[("access_type", Says::Text("offline"))],
        id_tokens: IdTokens {
            roles: &[],
            tenant: &["hd"],
            ..PLAIN_ID_TOKENS
        },
        access_tokens: None,
        logout: Logout::Never,
        ..PLAIN
    },
    Preset {
        name: "keycloak",
        authorization: &[],
        id_tokens: IdTokens {
            roles: &[&["realm_access", "roles"]],
            tenant: &[],
            ..PLAIN_ID_TOKENS
        },
        access_tokens: Some(AccessTokens {
            marker: Marker::Claim("typ", &["Bearer", "DPoP"]),
            client: &["azp"],
            roles: &[&["realm_access", "roles"]],
            tenant: &[],
            machine: &[
                Machine::Same("client_id", "azp"),
                Machine::Same("clientId", "azp"),
            ],
            ..UNTYPED
        }),
        ..PLAIN
    },
];

impl Preset {
    /// The preset of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// That of our own control plane.
    pub(crate) fn sealgate() -> &'static Self {
        &PRESETS[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_control_plane_has_a_feed_and_names_are_not_shared() {
        assert_eq!(Preset::sealgate().name, "sealgate");
        for preset in &PRESETS {
            assert_eq!(preset.has_feed, preset.name == "sealgate");
            assert!(std::ptr::eq(Preset::named(preset.name).unwrap(), preset));
        }
        assert!(Preset::named("Sealgate").is_none());
    }

    #[test]
    fn a_token_that_need_not_state_its_type_is_told_from_an_id_token_in_another_way() {
        for preset in &PRESETS {
            let Some(tokens) = &preset.access_tokens else {
                continue;
            };
            let typed = !tokens.type_optional && tokens.types == ["at+jwt"];
            assert_eq!(tokens.marker == Marker::Type, typed, "{}", preset.name);
            assert!(
                !tokens.client.is_empty()
                    && !tokens.scopes.is_empty()
                    && !tokens.machine.is_empty()
            );
        }
    }
}
