//! The certificate: that its key fits, that it is for the issuer's host, that it has time left, and that
//! it is the one that is served.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sealgate_model::{Clock as _, Timestamp};
use sealgate_server::{Tls, read_chain};
use webpki::{EndEntityCert, Error, KeyUsage};

use super::Patient;
use super::data::mode;
use super::report::Report;
use crate::output::date;

/// With less time left than this, somebody should look at how it is renewed.
const SOON: Duration = Duration::from_secs(21 * 86_400);

pub(super) async fn look(patient: &Patient, report: &mut Report) {
    let settings = &patient.loaded.settings.tls;
    let Some((cert, key)) = settings.cert.clone().zip(settings.key.clone()) else {
        let https = patient
            .issuer
            .as_ref()
            .is_some_and(sealgate_model::Issuer::is_https);
        if https {
            report.skip("tls", "no certificate is set: a proxy speaks TLS");
            served(patient, None, report).await;
        } else {
            report.skip("tls", "no certificate is set, and the issuer is not https");
        }
        return;
    };
    if let Ok(mode) = mode(&key)
        && mode & 0o007 != 0
    {
        report.fix(
            "tls",
            format!(
                "{} is open to every user of this machine (mode {mode:o})",
                key.display()
            ),
            Some(format!("run: chmod o= {}", key.display())),
        );
    }
    let chain = match read_chain(&Tls { cert, key }) {
        Ok(chain) => chain,
        Err(error) => {
            report.fix("tls", error.to_string(), error.hint());
            return;
        }
    };
    let now = patient.web.clock().now();
    let host = patient.issuer.as_ref().map(|issuer| host(issuer.origin()));
    judge(&chain, host.as_deref(), now, report);
    served(patient, chain.first(), report).await;
}

/// The certificate that browsers are shown.
async fn served(patient: &Patient, leaf: Option<&CertificateDer<'_>>, report: &mut Report) {
    let Some(issuer) = patient.issuer.as_ref().filter(|issuer| issuer.is_https()) else {
        return;
    };
    // What cannot be reached, or is not trusted, is told with the metadata.
    let Ok(seen) = patient.web.get(&issuer.url("/health")).await else {
        return;
    };
    let Some(shown) = seen.certificate else {
        return;
    };
    match leaf {
        Some(leaf) if leaf.as_ref() == shown => {
            report.good(
                "tls",
                format!("{} serves this certificate", issuer.origin()),
            );
        }
        Some(_) => report.warn(
            "tls",
            format!(
                "{} serves another certificate than the file holds",
                issuer.origin()
            ),
            Some("a new certificate is read when the server starts: restart it".to_owned()),
        ),
        None => {
            let shown = CertificateDer::from(shown);
            time_left(
                &shown,
                "the certificate that is served",
                patient.web.clock().now(),
                report,
            );
        }
    }
}

fn judge(
    chain: &[CertificateDer<'static>],
    host: Option<&str>,
    now: Timestamp,
    report: &mut Report,
) {
    let Some(leaf) = chain.first() else {
        return;
    };
    let Ok(parsed) = EndEntityCert::try_from(leaf) else {
        report.fix("tls", "the certificate does not read as X.509", None);
        return;
    };
    time_left(leaf, "the certificate", now, report);
    if let Some(host) = host {
        let fits = ServerName::try_from(host)
            .is_ok_and(|name| parsed.verify_is_valid_for_subject_name(&name).is_ok());
        if fits {
            report.good("tls", format!("the certificate is for {host}"));
        } else {
            let names: Vec<&str> = parsed.valid_dns_names().collect();
            let names = if names.is_empty() {
                "no name".to_owned()
            } else {
                names.join(", ")
            };
            report.fix(
                "tls",
                format!("the certificate is for {names}, not for {host}"),
                Some("get one for the issuer's host".to_owned()),
            );
        }
    }
    if chain.len() > 1 && !is_linked(chain, now) {
        report.fix(
            "tls",
            "the certificates of the chain do not follow from each other",
            Some("put the leaf first, then each issuer, and leave others out".to_owned()),
        );
    }
}

fn time_left(leaf: &CertificateDer<'_>, what: &str, now: Timestamp, report: &mut Report) {
    let Some(end) = not_after(leaf) else {
        report.skip("tls", format!("the end of {what} cannot be read"));
        return;
    };
    let told = format!("{what} is good until {}", date(end));
    let hint = Some("renew it; the server reads it when it starts".to_owned());
    if now > end {
        report.fix("tls", format!("{what} has expired on {}", date(end)), hint);
    } else if end.since(now) < SOON {
        report.warn("tls", told, hint);
    } else {
        report.good("tls", told);
    }
}

/// When a certificate ends. The library that checks certificates tells it only of one that has ended,
/// so it is asked about a time at which every one has.
fn not_after(leaf: &CertificateDer<'_>) -> Option<Timestamp> {
    const FAR: Duration = Duration::from_secs(1 << 40);
    let parsed = EndEntityCert::try_from(leaf).ok()?;
    let anchor = webpki::anchor_from_trusted_cert(leaf).ok()?;
    let far = UnixTime::since_unix_epoch(FAR);
    match verify(&parsed, &[anchor], &[], far) {
        Err(Error::CertExpired { not_after, .. }) => {
            let seconds = i64::try_from(not_after.as_secs()).ok()?;
            Some(Timestamp::from_seconds(seconds))
        }
        _ => None,
    }
}

/// Whether each certificate was issued by the one behind it.
fn is_linked(chain: &[CertificateDer<'static>], now: Timestamp) -> bool {
    let [leaf, between @ .., last] = chain else {
        return true;
    };
    let (Ok(leaf), Ok(anchor)) = (
        EndEntityCert::try_from(leaf),
        webpki::anchor_from_trusted_cert(last),
    ) else {
        return false;
    };
    let seconds = u64::try_from(now.as_seconds()).unwrap_or(0);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    // That it has expired was told already.
    matches!(
        verify(&leaf, &[anchor], between, now),
        Ok(()) | Err(Error::CertExpired { .. })
    )
}

fn verify(
    leaf: &EndEntityCert<'_>,
    anchors: &[rustls_pki_types::TrustAnchor<'_>],
    between: &[CertificateDer<'_>],
    at: UnixTime,
) -> Result<(), Error> {
    let usage = KeyUsage::server_auth();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        anchors,
        between,
        at,
        usage,
        None,
        None,
    )
    .map(drop)
}

/// The host of an origin, an IPv6 address without its brackets.
fn host(origin: &str) -> String {
    let url = url::Url::parse(origin).ok();
    match url.as_ref().and_then(url::Url::host) {
        Some(url::Host::Ipv6(ip)) => ip.to_string(),
        Some(host) => host.to_string(),
        None => origin.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate for `id.example` until the end of 2026, and the authority that issued it.
    fn issued() -> Vec<CertificateDer<'static>> {
        let (top, bottom) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let above = authority.self_signed(&top).unwrap();
        let mut leaf = CertificateParams::new(vec!["id.example".to_owned()]).unwrap();
        leaf.not_before = date_time_ymd(2026, 1, 1);
        leaf.not_after = date_time_ymd(2026, 12, 31);
        let below = leaf
            .signed_by(&bottom, &Issuer::from_params(&authority, &top))
            .unwrap();
        vec![below.der().clone(), above.der().clone()]
    }

    /// What is said of a chain on a day.
    fn said(chain: &[CertificateDer<'static>], host: &str, day: &str) -> String {
        let at: jiff::Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
        let now = Timestamp::from_seconds(at.as_second());
        let mut report = Report::default();
        judge(chain, Some(host), now, &mut report);
        report.text().data
    }

    #[test]
    fn a_certificate_is_judged_by_its_time_its_names_and_its_chain() {
        let chain = issued();
        insta::assert_snapshot!(said(&chain, "id.example", "2026-06-01"), @r"
        ok    tls       the certificate is good until 2026-12-31 00:00Z
        ok    tls       the certificate is for id.example
        ");
        insta::assert_snapshot!(said(&chain, "example.com", "2026-12-20"), @r"
        warn  tls       the certificate is good until 2026-12-31 00:00Z
                        hint: renew it; the server reads it when it starts
        fix   tls       the certificate is for id.example, not for example.com
                        hint: get one for the issuer's host
        ");
        let mixed = [chain[0].clone(), issued()[1].clone()];
        insta::assert_snapshot!(said(&mixed, "id.example", "2027-01-01"), @r"
        fix   tls       the certificate has expired on 2026-12-31 00:00Z
                        hint: renew it; the server reads it when it starts
        ok    tls       the certificate is for id.example
        ");
        insta::assert_snapshot!(said(&mixed, "id.example", "2026-06-01"), @r"
        ok    tls       the certificate is good until 2026-12-31 00:00Z
        ok    tls       the certificate is for id.example
        fix   tls       the certificates of the chain do not follow from each other
                        hint: put the leaf first, then each issuer, and leave others out
        ");
        let nonsense = [CertificateDer::from(vec![1, 2, 3])];
        insta::assert_snapshot!(said(&nonsense, "id.example", "2026-06-01"), @"fix   tls       the certificate does not read as X.509");
    }

    #[test]
    fn an_origin_has_the_host_that_certificates_name() {
        assert_eq!(host("https://id.example:8443"), "id.example");
        assert_eq!(host("https://[::1]:8443"), "::1");
        assert_eq!(host("https://127.0.0.1"), "127.0.0.1");
    }
}
