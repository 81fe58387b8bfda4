//! What an application says of one of its MCP servers.

use std::collections::HashMap;

use thiserror::Error;

use crate::requirement::Need;
use crate::settings::Settings;

/// The smallest and the largest limit of a body, in bytes.
const BODY_LIMITS: std::ops::RangeInclusive<usize> = 1_024..=64 * 1_024 * 1_024;

/// What an application says of one of its MCP servers.
#[derive(Debug, Clone)]
pub struct McpRules {
    /// Its path in the application: `/mcp`.
    pub path: String,
    /// What is asked of everybody there.
    pub base: Need,
    /// What is asked further of whoever calls a tool, by its name.
    pub tools: Vec<(String, Need)>,
    /// The same of prompts; where there is nothing, any prompt asks for the base alone.
    pub prompts: Option<Vec<(String, Need)>>,
    /// The same of resources, by their URI, or by its beginning and a `*`.
    pub resources: Option<Vec<(String, Need)>>,
    /// What is asked further for what these lists do not name; where there is nothing, nobody gets it.
    pub default: Option<Need>,
    /// Further origins whose pages may ask, spelled as browsers do.
    pub origins: Vec<String>,
    /// Whether its metadata is what is found at the root of the host, in place of the application's.
    pub is_root: bool,
    /// The longest body that is read, in bytes.
    pub body_limit: usize,
}

/// Why there can be no such MCP server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum McpError {
    /// The path is not one that every client and proxy spells in the same way.
    #[error(
        "{0:?} is no path of an MCP server: write letters, digits and \"-._~\" between slashes, such as \"/mcp\""
    )]
    Path(String),
    /// Another one is there.
    #[error("there is an MCP server at {0:?} already")]
    PathTaken(String),
    /// Another one has its metadata at the root.
    #[error("the metadata of another MCP server is at the root of the host already")]
    RootTaken,
    /// The application takes tokens for it everywhere.
    #[error(
        "SEALGATE_AUDIENCES names {0:?}: tokens for an MCP server are taken there and nowhere else"
    )]
    Audience(String),
    /// `offline_access`, which is no right to anything here.
    #[error("{0:?} is asked for by clients for themselves: it is no scope of an MCP server")]
    Scope(String),
    /// Two needs for one name.
    #[error("{0:?} is named twice")]
    Twice(String),
    /// A name that is none.
    #[error("{0:?} is no name: each tool and prompt is named in full, without \"*\"")]
    Name(String),
    /// A pattern that is none.
    #[error(
        "{0:?} is no resource: write its URI in its normal form, or its beginning with one \"*\" at the end, and \
         no template"
    )]
    Pattern(String),
    /// An origin that no browser spells so.
    #[error("{0:?} is no origin: write \"https://host\", without a path")]
    Origin(String),
    /// A limit out of bounds.
    #[error("a body of {0} bytes cannot be the limit: it is at least 1024 and at most 67108864")]
    BodyLimit(usize),
    /// The seal keys cannot be used.
    #[error("the seal keys cannot be used")]
    Keys,
}

impl McpRules {
    pub(super) fn check(&self, settings: &Settings) -> Result<(), McpError> {
        if !is_path(&self.path) {
            return Err(McpError::Path(self.path.clone()));
        }
        let audience = format!("{}{}", settings.base_url, self.path);
        if settings.audiences.contains(&audience) {
            return Err(McpError::Audience(audience));
        }
        let prompts = self.prompts.iter().flatten();
        let resources = self.resources.iter().flatten();
        let all = self.tools.iter().chain(prompts).chain(resources);
        let needs = all.map(|(_, need)| need).chain(&self.default);
        for need in needs.chain([&self.base]) {
            let scopes = need.scopes.iter().chain(&need.any_scopes);
            if let Some(scope) = scopes.into_iter().find(|scope| *scope == "offline_access") {
                return Err(McpError::Scope(scope.clone()));
            }
        }
        for named in [
            Some(&self.tools),
            self.prompts.as_ref(),
            self.resources.as_ref(),
        ] {
            let mut names: Vec<&str> = named
                .into_iter()
                .flatten()
                .map(|(name, _)| &**name)
                .collect();
            names.sort_unstable();
            if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(McpError::Twice(twice[0].to_owned()));
            }
        }
        let names = self.tools.iter().chain(self.prompts.iter().flatten());
        for (name, _) in names {
            if name.is_empty() || name.contains('*') {
                return Err(McpError::Name(name.clone()));
            }
        }
        for (pattern, _) in self.resources.iter().flatten() {
            // One that no URI ever fits would leave what it is about to the default.
            let is_resource = match pattern.strip_suffix('*') {
                Some(stem) => is_plain(stem),
                None => is_normal(pattern) && !pattern.contains(['*', '{', '}']),
            };
            if !is_resource {
                return Err(McpError::Pattern(pattern.clone()));
            }
        }
        for origin in &self.origins {
            if !is_origin(origin) {
                return Err(McpError::Origin(origin.clone()));
            }
        }
        if !BODY_LIMITS.contains(&self.body_limit) {
            return Err(McpError::BodyLimit(self.body_limit));
        }
        Ok(())
    }
}

/// Whether a path is spelled the same by everybody: nothing in it is ever encoded or taken away.
fn is_path(path: &str) -> bool {
    let segment = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
    };
    let own = path.starts_with("/.well-known") || path == "/auth" || path.starts_with("/auth/");
    path.len() <= 255
        && !own
        && path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment))
}

fn is_origin(origin: &str) -> bool {
    let parsed = url::Url::parse(origin);
    parsed.is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == origin)
}

/// What is asked of whoever wants something that has a name.
pub(super) struct Named {
    exact: HashMap<String, Need>,
    /// The longest first.
    trees: Vec<(String, Need)>,
    default: Option<Need>,
    /// Whether the names are URIs.
    are_uris: bool,
}

impl Named {
    /// Each of `needs` together with what is asked of everybody, so that a challenge names all of it at once.
    pub(super) fn new(
        needs: Vec<(String, Need)>,
        base: &Need,
        default: Option<&Need>,
        are_uris: bool,
    ) -> Self {
        let mut named = Self {
            exact: HashMap::new(),
            trees: Vec::new(),
            default: default.map(|need| with_base(need.clone(), base)),
            are_uris,
        };
        for (name, need) in needs {
            let need = with_base(need, base);
            match name.strip_suffix('*').filter(|_| are_uris) {
                Some(stem) => named.trees.push((stem.to_owned(), need)),
                None => {
                    named.exact.insert(name, need);
                }
            }
        }
        named
            .trees
            .sort_by_key(|(stem, _)| std::cmp::Reverse(stem.len()));
        named
    }

    /// What is asked for `name`; nothing where nobody gets it.
    pub(super) fn need(&self, name: &str) -> Option<&Need> {
        if let Some(need) = self.exact.get(name) {
            return Some(need);
        }
        if self.are_uris && !is_plain(name) {
            return None;
        }
        if !self.are_uris && is_coded(name) {
            return None;
        }
        self.beginning(name)
    }

    /// All that is asked for what may be behind a URI, or behind a template of URIs (RFC 6570).
    pub(super) fn needs_of(&self, template: &str) -> Option<Vec<&Need>> {
        let Some((start, _)) = template.split_once('{') else {
            return Some(vec![self.need(template)?]);
        };
        if !is_plain(start) {
            return None;
        }
        let mut needs = vec![self.beginning(start)?];
        let exact = self.exact.iter();
        let trees = self.trees.iter().map(|(stem, need)| (stem, need));
        let below = exact
            .chain(trees)
            .filter(|(begins, _)| begins.starts_with(start));
        needs.extend(below.map(|(_, need)| need));
        Some(needs)
    }

    fn beginning(&self, name: &str) -> Option<&Need> {
        let tree = self.trees.iter().find(|(stem, _)| name.starts_with(stem));
        tree.map(|(_, need)| need).or(self.default.as_ref())
    }
}

/// Whether a name is one that `FastMCP` makes for the tool of an app, beside the one that it lists: a code of
/// twelve hexadecimal digits, and what the tool is called in the app. What is asked for that tool stands at
/// another name.
fn is_coded(name: &str) -> bool {
    let is_code = |code: &str| {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        code.len() == 12 && code.bytes().all(digit)
    };
    name.split_once('_').is_some_and(|(code, _)| is_code(code))
}

/// Whether a URI is the same to everybody. A server that takes `NOTES://` for `notes://`, or `..` and `%2e` for
/// something else, would read another one than was judged.
fn is_plain(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once(':') else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte);
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let hops = |segment: &str| segment == "." || segment == "..";
    is_normal(uri) && rest.bytes().all(plain) && !path.contains("//") && !path.split('/').any(hops)
}

/// Whether a URI is spelled as a parser spells it.
fn is_normal(uri: &str) -> bool {
    url::Url::parse(uri).is_ok_and(|parsed| parsed.as_str() == uri)
}

/// `need` with the scopes of `base` too. The rest of the base is judged by itself.
pub(super) fn with_base(mut need: Need, base: &Need) -> Need {
    let mut scopes = base.scopes.clone();
    scopes.extend(need.scopes);
    let mut known = std::collections::HashSet::new();
    scopes.retain(|scope| known.insert(scope.clone()));
    need.scopes = scopes;
    need
}
