//! The cookie that keeps people signed in at the control plane.

use sealgate_server::sign_in_cookie;

use super::Patient;
use super::report::Report;

pub(super) fn look(patient: &Patient, report: &mut Report) {
    let Some(issuer) = &patient.issuer else {
        report.skip("cookies", "no issuer is set, and none has been served here");
        return;
    };
    let name = sign_in_cookie(issuer);
    if issuer.is_https() {
        report.good(
            "cookies",
            format!("sign-ins are kept in {name}: Secure, HttpOnly, for this host alone"),
        );
    } else {
        report.skip(
            "cookies",
            format!("sign-ins are kept in {name}, without Secure: plain http on loopback is for development"),
        );
    }
}
