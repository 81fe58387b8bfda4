//! The metadata: reachable at every well-known address, and telling the issuer byte for byte.

use serde::Deserialize;

use super::Patient;
use super::report::Report;

/// The part of the metadata that clients compare.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
}

pub(super) async fn look(patient: &Patient, report: &mut Report) {
    let Some(issuer) = &patient.issuer else {
        report.skip("issuer", "no issuer is set, and none has been served here");
        return;
    };
    let mut good = 0;
    for url in addresses(issuer.origin(), issuer.path()) {
        let seen = match patient.web.get(&url).await {
            Ok(seen) => seen,
            Err(error) => {
                let told = format!("nothing answers at {url}: {error}");
                // A server that does not run is no fault of its surroundings.
                if patient.running || !patient.here {
                    let hint = "check the name, the port, the proxy and the certificate".to_owned();
                    report.fix("issuer", told, Some(hint));
                } else {
                    report.skip("issuer", format!("{told}; no server runs here"));
                }
                return;
            }
        };
        let told = serde_json::from_slice::<Metadata>(&seen.body);
        match (seen.status, told) {
            (200, Ok(told)) if told.issuer == issuer.as_str() => good += 1,
            (200, Ok(told)) => report.fix(
                "issuer",
                format!("{url} tells the issuer {}, not {issuer}", told.issuer),
                Some(
                    "give the server the URL that clients use as --issuer, byte for byte"
                        .to_owned(),
                ),
            ),
            (200, Err(_)) => report.fix(
                "issuer",
                format!("{url} is answered with something else than metadata"),
                Some("let the proxy pass this address on to the server".to_owned()),
            ),
            (status @ 300..400, _) => report.fix(
                "issuer",
                format!("{url} is answered with a redirect ({status})"),
                Some(
                    "clients do not follow redirects to the metadata: serve it at this address"
                        .to_owned(),
                ),
            ),
            (status, _) => report.fix(
                "issuer",
                format!("{url} is answered with {status}"),
                Some("let the proxy pass this address on to the server".to_owned()),
            ),
        }
        if seen.header("sealgate-trace").is_none() {
            report.warn(
                "issuer",
                format!("the answer at {url} has no Sealgate-Trace header: something in between made or changed it"),
                None,
            );
        }
    }
    if good > 0 {
        report.good("issuer", format!("{issuer} is told at {good} addresses"));
    }
}

/// Every address of the metadata: with the issuer's path behind (RFC 8414, 3.1) and in front (OpenID
/// Connect Discovery 1.0, 4).
fn addresses(origin: &str, path: &str) -> Vec<String> {
    let mut all = Vec::new();
    for name in ["openid-configuration", "oauth-authorization-server"] {
        all.push(format!("{origin}{path}/.well-known/{name}"));
        if !path.is_empty() {
            all.push(format!("{origin}/.well-known/{name}{path}"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_with_a_path_has_four_addresses() {
        assert_eq!(
            addresses("https://id.example", ""),
            [
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(
            addresses("https://example.com", "/id"),
            [
                "https://example.com/id/.well-known/openid-configuration",
                "https://example.com/.well-known/openid-configuration/id",
                "https://example.com/id/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/oauth-authorization-server/id",
            ]
        );
    }
}
