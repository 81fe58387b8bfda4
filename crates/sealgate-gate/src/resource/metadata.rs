//! What this resource says of itself (RFC 9728): where tokens for it come from, and how they are presented.

use sealgate_jose::Algorithm;
use serde_json::json;

use crate::decision::Decision;
use crate::request::{Request, Transport};
use crate::response::Response;
use crate::settings::Settings;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Whether a path may lead to a document: one look at it spares other requests the others.
pub(crate) fn is_metadata(path: &str) -> bool {
    path.contains(WELL_KNOWN)
}

/// The document and where it is found.
pub(crate) struct Metadata {
    /// Where clients find it (RFC 9728, 3.1): the resource's own path comes behind.
    url: String,
    /// Every path that leads to it, for applications that are reached under a path too.
    paths: Vec<String>,
    body: Vec<u8>,
}

impl Metadata {
    /// That of the application itself.
    pub(crate) fn new(settings: &Settings) -> Self {
        let base = settings.base_path();
        let mut paths = vec![WELL_KNOWN.to_owned()];
        if !base.is_empty() {
            paths.push(format!("{WELL_KNOWN}{base}"));
            paths.push(format!("{base}{WELL_KNOWN}"));
            // A server that was told the path puts it in front of what a proxy hands on.
            paths.push(format!("{base}{WELL_KNOWN}{base}"));
        }
        Self {
            url: format!("{}{WELL_KNOWN}{base}", settings.base_url.origin()),
            paths,
            body: document(
                settings,
                settings.audiences.first().map(String::as_str),
                None,
            ),
        }
    }

    /// That of a resource at `path` of the application. `scopes` are those to begin with: clients ask for all of
    /// them. With `is_root` it is found at the root of the host, too.
    pub(crate) fn of_path(
        settings: &Settings,
        path: &str,
        scopes: &[String],
        is_root: bool,
    ) -> Self {
        let (base, origin) = (settings.base_path(), settings.base_url.origin());
        let mut paths = vec![format!("{WELL_KNOWN}{base}{path}")];
        if !base.is_empty() {
            // Where a proxy hands on only what is below the application's path, with it or without.
            paths.push(format!("{base}{WELL_KNOWN}{path}"));
            paths.push(format!("{base}{WELL_KNOWN}{base}{path}"));
        }
        if is_root {
            paths.push(WELL_KNOWN.to_owned());
        }
        let resource = format!("{}{path}", settings.base_url);
        Self {
            url: format!("{origin}{WELL_KNOWN}{base}{path}"),
            paths,
            body: document(settings, Some(&resource), Some(scopes)),
        }
    }

    /// Whether it is found at the root of the host.
    pub(crate) fn is_root(&self) -> bool {
        self.paths.iter().any(|path| path == WELL_KNOWN)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The answer, if `request` asks for the document. Anybody may have it, pages of other sites too.
    pub(crate) fn answer(&self, request: &Request<'_>) -> Option<Decision> {
        let asked = request.transport == Transport::Http
            && self.paths.iter().any(|path| path == request.path);
        asked.then(|| Decision::Respond(self.response(request.method)))
    }

    fn response(&self, method: &str) -> Response {
        let (status, body) = match method {
            "GET" | "HEAD" => (200, self.body.clone()),
            // Clients that run in pages ask with headers of their own (Fetch, 3.3).
            "OPTIONS" => (204, Vec::new()),
            _ => (405, Vec::new()),
        };
        let mut headers = vec![
            ("access-control-allow-origin", "*".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        match status {
            200 => headers.extend([
                ("content-type", "application/json".to_owned()),
                ("content-length", body.len().to_string()),
                ("cache-control", "public, max-age=300".to_owned()),
            ]),
            204 => headers.extend([
                ("access-control-allow-methods", "GET".to_owned()),
                ("access-control-allow-headers", "*".to_owned()),
            ]),
            _ => headers.extend([
                ("allow", "GET, HEAD, OPTIONS".to_owned()),
                ("content-length", "0".to_owned()),
            ]),
        }
        Response {
            status,
            headers,
            body: if method == "HEAD" { Vec::new() } else { body },
            reason: if status == 405 {
                "method_not_allowed"
            } else {
                ""
            },
            caller: None,
        }
    }
}

fn document(settings: &Settings, resource: Option<&str>, scopes: Option<&[String]>) -> Vec<u8> {
    let further = settings.trusted_issuers.iter();
    let issuers = std::iter::once((&settings.issuer, settings.provider))
        .chain(further.map(|(issuer, preset)| (issuer, *preset)))
        .filter(|(_, preset)| preset.access_tokens.is_some());
    let issuers: Vec<&str> = issuers.map(|(issuer, _)| issuer.as_str()).collect();
    let mut document = json!({
        "resource": resource,
        "authorization_servers": issuers,
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": Algorithm::NAMES,
    });
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        document["scopes_supported"] = json!(scopes);
    }
    document.to_string().into_bytes()
}
