//! What stands between browsers and the server: plain http must lead to https, headers must arrive, and
//! headers that strangers can write must change nothing.

use url::Url;

use super::Patient;
use super::report::Report;

/// What every page carries, and a proxy must leave alone.
const HEADERS: [&str; 3] = [
    "content-security-policy",
    "cache-control",
    "x-content-type-options",
];

/// Headers by which proxies tell of the request they got. Anybody can send them.
const FORWARDED: [(&str, &str); 4] = [
    ("x-forwarded-host", "attacker.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-prefix", "/attacker"),
    ("forwarded", "host=attacker.example;proto=http"),
];

pub(super) async fn look(patient: &Patient, report: &mut Report) {
    let Some(issuer) = &patient.issuer else {
        return;
    };
    // What does not answer at all was told before.
    let Ok(page) = patient.web.get(&issuer.url("/sign-in")).await else {
        return;
    };
    let mut missing: Vec<&str> = HEADERS
        .into_iter()
        .filter(|name| page.header(name).is_none())
        .collect();
    if issuer.is_https() && page.header("strict-transport-security").is_none() {
        missing.push("strict-transport-security");
    }
    if page.status != 200 {
        report.fix(
            "proxy",
            format!("the sign-in page is answered with {}", page.status),
            Some("let the proxy pass everything below the issuer on to the server".to_owned()),
        );
    } else if missing.is_empty() {
        report.good("proxy", "the sign-in page arrives with its headers");
    } else {
        report.fix(
            "proxy",
            format!("the sign-in page arrives without {}", missing.join(", ")),
            Some("let the proxy leave these headers alone".to_owned()),
        );
    }
    forwarded(
        patient,
        &issuer.url("/.well-known/openid-configuration"),
        report,
    )
    .await;
    if issuer.is_https() {
        plain_http(patient, issuer.as_str(), report).await;
    }
}

async fn forwarded(patient: &Patient, url: &str, report: &mut Report) {
    let plain = patient.web.get(url).await;
    let claimed = patient.web.get_with(url, &FORWARDED).await;
    let (Ok(plain), Ok(claimed)) = (plain, claimed) else {
        report.skip(
            "proxy",
            "forwarding headers could not be tried: the metadata does not answer",
        );
        return;
    };
    if plain.body == claimed.body && plain.status == claimed.status {
        report.good("proxy", "forwarding headers of strangers change nothing");
    } else {
        report.fix(
            "proxy",
            "what is answered changes with X-Forwarded headers of strangers",
            Some("let the proxy drop the ones that come in, and set its own".to_owned()),
        );
    }
}

async fn plain_http(patient: &Patient, issuer: &str, report: &mut Report) {
    let Some(url) = plain(issuer) else {
        report.skip(
            "proxy",
            "plain http was not tried: the issuer has a port of its own",
        );
        return;
    };
    let Ok(seen) = patient.web.get(&url).await else {
        report.good("proxy", "plain http is not answered");
        return;
    };
    let target = seen.header("location").unwrap_or_default();
    match seen.status {
        300..400 if target.starts_with("https://") => {
            report.good("proxy", "plain http leads to https");
        }
        300..400 => report.fix(
            "proxy",
            format!("{url} leads to {target}"),
            Some("redirect it to the same address under https, or do not answer".to_owned()),
        ),
        status => report.fix(
            "proxy",
            format!("{url} is answered with {status} in the clear"),
            Some("redirect it to the same address under https, or do not answer".to_owned()),
        ),
    }
}

/// The sign-in page of `issuer` under plain http; none if the port says which protocol it speaks.
fn plain(issuer: &str) -> Option<String> {
    let url = Url::parse(issuer).ok()?;
    if url.port().is_some() {
        return None;
    }
    let rest = issuer.strip_prefix("https://")?;
    Some(format!("http://{rest}/sign-in"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_tried_where_a_browser_would_try_it() {
        assert_eq!(
            plain("https://id.example/a").as_deref(),
            Some("http://id.example/a/sign-in")
        );
        assert_eq!(plain("https://id.example:8443"), None);
        assert_eq!(plain("http://localhost"), None);
    }
}
