//! What this resource says of itself (RFC 9728): where tokens for it come from, and how they are presented.

use sealgate_jose::Algorithm;
use serde_json::json;

use crate::decision::Decision;
use crate::request::{Request, Transport};
use crate::response::Response;
use crate::settings::Settings;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document and where it is found.
pub(crate) struct Metadata {
    /// Where clients find it (RFC 9728, 3.1): the application's own path comes behind.
    url: String,
    /// Every path that leads to it, for applications that are reached under a path too.
    paths: Vec<String>,
    body: Vec<u8>,
}

impl Metadata {
    pub(crate) fn new(settings: &Settings) -> Self {
        let base = settings.base_path();
        let mut paths = vec![WELL_KNOWN.to_owned()];
        if !base.is_empty() {
            paths.push(format!("{WELL_KNOWN}{base}"));
            paths.push(format!("{base}{WELL_KNOWN}"));
        }
        let further = settings.trusted_issuers.iter();
        let issuers = std::iter::once((&settings.issuer, settings.provider))
            .chain(further.map(|(issuer, preset)| (issuer, *preset)))
            .filter(|(_, preset)| preset.access_tokens.is_some());
        let issuers: Vec<&str> = issuers.map(|(issuer, _)| issuer.as_str()).collect();
        let document = json!({
            "resource": settings.audiences.first(),
            "authorization_servers": issuers,
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": Algorithm::NAMES,
        });
        Self {
            url: format!("{}{WELL_KNOWN}{base}", settings.base_url.origin()),
            paths,
            body: document.to_string().into_bytes(),
        }
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
