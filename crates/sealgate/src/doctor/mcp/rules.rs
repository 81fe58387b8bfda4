//! What can differ between clients on their way to a token.
//!
//! Every rule names where it was read. What nobody has published is [`Rule::unknown`]: there the client is
//! played as the specification says (MCP authorization, 2025-11-25), and the report says so.

/// Something a client does, and who says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule<T: 'static> {
    pub(super) does: T,
    /// A file of its source, an issue, a page of its documentation; none where it is not known.
    pub(super) source: Option<&'static str>,
}

pub(super) const fn known<T>(does: T, source: &'static str) -> Rule<T> {
    Rule {
        does,
        source: Some(source),
    }
}

/// Not published: played as the specification says.
pub(super) const fn unknown<T>(does: T) -> Rule<T> {
    Rule { does, source: None }
}

/// How `WWW-Authenticate` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Challenges as in RFC 9110.
    Challenges,
    /// The same, but only a scheme that is written `Bearer`.
    ExactBearer,
    /// The text as a whole, if it begins with `Bearer`.
    FirstBearer,
    /// The text as a whole, whatever the scheme.
    Text,
}

/// Where the resource's metadata are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) reading: Reading,
    /// Whether the well-known places are tried when the one that the challenge names has nothing.
    pub(super) beyond_challenge: bool,
}

/// Which `resource` in the metadata is taken for a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// The same after both were parsed as URLs.
    Normalised,
    /// The same, or a parent; a slash at the end makes no difference.
    Parent,
    /// The same, or a parent; one that is longer by a slash at the end is refused.
    ParentNoSlash,
    /// The same, or the root of the same origin.
    Root,
    /// The same but for a slash at the end; or a parent, where the metadata are that parent's own.
    Own,
}

/// What is taken for the authorization server of a resource without metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// Nothing: the client gives up.
    Nothing,
    /// The resource's origin (MCP authorization, 2025-03-26).
    Origin,
    /// The resource's URL, with its path.
    Url,
}

/// Where an authorization server's metadata are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `/.well-known/oauth-authorization-server/PATH`
    OauthInserted,
    /// `/.well-known/openid-configuration/PATH`
    OpenidInserted,
    /// `/PATH/.well-known/openid-configuration`
    OpenidAppended,
    /// `/.well-known/oauth-authorization-server`, whatever the path
    OauthRoot,
}

/// What is asked of the server's metadata about PKCE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pkce {
    /// `S256` must be listed.
    Listed,
    /// If there is a list, `S256` must be in it.
    IfListed,
    /// Nothing.
    Unchecked,
}

/// How the client becomes known to the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// By the URL of a document about it (CIMD).
    Document {
        /// The URL, where the client has one of its own.
        url: Option<&'static str>,
        /// Whether `none` must be listed among the methods of authentication.
        needs_none: bool,
    },
    /// By registering itself (RFC 7591).
    Dynamic {
        /// The redirect URIs that it registers.
        redirects: &'static [&'static str],
    },
    /// By asking the person for a client id.
    Asks,
}

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    /// As the command line names it.
    pub(super) name: &'static str,
    /// As people know it.
    pub(super) title: &'static str,
    pub(super) places: Rule<Places>,
    pub(super) matching: Rule<Match>,
    /// What is taken for the authorization server of a resource without metadata.
    pub(super) instead: Rule<Instead>,
    pub(super) forms: Rule<&'static [Form]>,
    /// Whether a status of 500 or more ends the search for the server's metadata.
    pub(super) error_ends: Rule<bool>,
    /// Whether the metadata must name the issuer they were looked up for.
    pub(super) issuer_equal: Rule<bool>,
    pub(super) pkce: Rule<Pkce>,
    /// Whether the list of response types must be there.
    pub(super) response_types: Rule<bool>,
    pub(super) ways: &'static [Rule<Way>],
    /// Whether it runs in a browser, which lets it read only what the server opens to it.
    pub(super) browser: Option<&'static str>,
    /// Whether its vendor's machines ask, and not this one.
    pub(super) hosted: bool,
    /// Whether an authorization server at an address that is not public is skipped.
    pub(super) public_servers: Option<&'static str>,
    /// What cannot be seen from outside, and is worth knowing.
    pub(super) notes: &'static [(&'static str, &'static str)],
}
