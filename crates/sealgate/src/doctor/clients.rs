//! Where clients have codes sent: every address is one that could be taken over.

use sealgate_model::Issuer;
use sealgate_server::admin::ClientView;
use sealgate_server::names_loopback;
use url::{Host, Url};

use super::Patient;
use super::report::Report;
use crate::client;
use crate::door::Door;

pub(super) async fn look(patient: &Patient, door: &Door, report: &mut Report) {
    let clients = match client::every(door).await {
        Ok(clients) => clients,
        Err(failure) => {
            report.failed("clients", &failure);
            return;
        }
    };
    judge(&clients, patient.issuer.as_ref(), report);
}

fn judge(clients: &[ClientView], issuer: Option<&Issuer>, report: &mut Report) {
    let production = issuer.is_some_and(|issuer| !names_loopback(issuer));
    let mut risky = 0;
    for client in clients {
        for uri in &client.redirect_uris {
            let secret = client.kind == sealgate_store::ClientKind::Confidential;
            if let Some((why, hint)) = risk(uri, secret, production, issuer) {
                risky += 1;
                report.warn(
                    "clients",
                    format!("{} has codes sent to {uri}: {why}", client.id),
                    Some(hint.to_owned()),
                );
            }
        }
    }
    if risky == 0 {
        let told = format!(
            "no client has a risky redirect URI; there are {}",
            clients.len()
        );
        report.good("clients", told);
    }
}

/// Why it is risky to send codes to `uri`, and what to do about it.
fn risk(
    uri: &str,
    secret: bool,
    production: bool,
    issuer: Option<&Issuer>,
) -> Option<(&'static str, &'static str)> {
    let Ok(url) = Url::parse(uri) else {
        return Some(("it does not read as a URL", "register the client anew"));
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if issuer.is_some_and(|issuer| url.origin().ascii_serialization() == issuer.origin())
        && production
    {
        return Some((
            "that is the control plane's own host",
            "give the application a host name of its own",
        ));
    }
    match url.scheme() {
        "https" => None,
        "http" if loopback && secret && production => Some((
            "a secret is for servers, and on loopback any program of the machine can listen",
            "remove it, or register a client of its own for development",
        )),
        "http" if loopback && url.host_str() == Some("localhost") && !secret => Some((
            "a machine can let localhost lead elsewhere (RFC 8252, 8.3)",
            "use http://127.0.0.1 and http://[::1]",
        )),
        "http" if loopback => None,
        "http" => Some(("codes travel in the clear", "use https")),
        _ if secret => Some((
            "a secret does not stay secret in an application on people's devices",
            "register it as a public client",
        )),
        _ => Some((
            "another application on the device can claim the scheme (RFC 8252, 7.1)",
            "use an https address that the application claims, or loopback",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_that_can_be_taken_over_are_told() {
        let issuer: Issuer = "https://id.example".parse().unwrap();
        let found =
            |uri: &str, secret, production| risk(uri, secret, production, Some(&issuer)).is_some();
        for (uri, secret) in [
            ("https://app.example/cb", true),
            ("http://127.0.0.1:9000/cb", false),
            ("http://[::1]/cb", false),
        ] {
            assert!(!found(uri, secret, true), "{uri}");
        }
        for (uri, secret) in [
            ("https://id.example/cb", true),
            ("http://app.example/cb", true),
            ("http://localhost:9000/cb", false),
            ("http://127.0.0.1:9000/cb", true),
            ("com.example.app:/cb", false),
            ("com.example.app:/cb", true),
            ("nonsense", true),
        ] {
            assert!(found(uri, secret, true), "{uri}");
        }
        assert!(
            !found("http://127.0.0.1:9000/cb", true, false),
            "development"
        );
    }
}
