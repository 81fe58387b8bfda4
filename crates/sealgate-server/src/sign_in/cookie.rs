//! The cookie that holds a browser's sign-in at the control plane.
//!
//! Its value is a handle: the sign-in's id and a secret of which the store keeps the hash.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use sealgate_model::{Issuer, SignInId};
use sealgate_oauth::Handle;
use sealgate_store::{SignIn, StoreError, UserStatus};

use crate::ControlPlane;

/// The text of the cookie.
pub(crate) type SignInHandle = Handle<SignInId>;

/// The cookie's name. Over TLS its prefix makes the browser keep it from other hosts, plain http and
/// scripts; plain http, which is for development, knows no such prefix. The prefix also wants the whole
/// host as the cookie's path, so the issuer's own path stands in the name: control planes that share a
/// host would sign each other's users out.
pub fn name(issuer: &Issuer) -> String {
    let prefix = if issuer.is_https() {
        "__Host-Http-"
    } else {
        ""
    };
    format!(
        "{prefix}sealgate-sign-in{}",
        issuer.path().replace('/', ".")
    )
}

/// The `Set-Cookie` that signs a browser in. It lasts until the browser closes; how long it is good
/// for stands in the store.
pub(crate) fn set(issuer: &Issuer, handle: &SignInHandle) -> HeaderValue {
    header(issuer, handle.to_secret().expose(), "")
}

/// The `Set-Cookie` that signs a browser out.
pub(crate) fn clear(issuer: &Issuer) -> HeaderValue {
    header(issuer, "", "; Max-Age=0")
}

fn header(issuer: &Issuer, value: &str, more: &str) -> HeaderValue {
    let secure = if issuer.is_https() { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}",
        name(issuer)
    );
    // Names are ours and values base64url, so this is always a header value.
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// The browser's sign-in, if it has one that is good now: known, its secret right, not expired, not
/// ended, its user not disabled.
pub(crate) async fn current(
    plane: &ControlPlane,
    headers: &HeaderMap,
) -> Result<Option<SignIn>, StoreError> {
    let Some(handle) = presented(&plane.issuer, headers) else {
        return Ok(None);
    };
    let Some(sign_in) = plane.store.sign_in(handle.id).await? else {
        return Ok(None);
    };
    // The comparison takes the same time wherever the hashes differ.
    let good = sign_in.secret_hash == handle.secret_hash()
        && sign_in.ended_at.is_none()
        && plane.clock.now() < sign_in.expires_at;
    if !good {
        return Ok(None);
    }
    let user = plane.store.user(sign_in.user).await?;
    Ok(user
        .filter(|user| user.status() == UserStatus::Active)
        .map(|_| sign_in))
}

/// The handle in the request's cookies. Two cookies of the name are none: nobody can say which of
/// them is the browser's own.
fn presented(issuer: &Issuer, headers: &HeaderMap) -> Option<SignInHandle> {
    let name = name(issuer);
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut values = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => SignInHandle::parse(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeRandom;
    use sealgate_model::Timestamp;

    use super::*;

    fn handle() -> SignInHandle {
        let random = FakeRandom::default();
        Handle::generate(
            SignInId::generate(Timestamp::from_millis(1), &random),
            &random,
        )
    }

    fn cookies(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn over_tls_the_cookie_is_bound_to_the_host() {
        let value = set(&"https://id.example".parse().unwrap(), &handle());
        let text = value.to_str().unwrap();
        assert!(text.starts_with("__Host-Http-sealgate-sign-in="));
        assert!(
            text.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
            "{text}"
        );
        assert!(value.is_sensitive());
        let value = clear(&"http://127.0.0.1:8400".parse().unwrap());
        assert_eq!(
            value.to_str().unwrap(),
            "sealgate-sign-in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn control_planes_that_share_a_host_have_cookies_of_their_own() {
        let value = set(&"https://example.com/id/eu".parse().unwrap(), &handle());
        let text = value.to_str().unwrap();
        assert!(
            text.starts_with("__Host-Http-sealgate-sign-in.id.eu="),
            "{text}"
        );
        assert!(text.contains("; Path=/;"), "{text}");
    }

    #[test]
    fn a_cookie_is_read_among_others_and_never_when_doubled() {
        let issuer: Issuer = "http://127.0.0.1:8400".parse().unwrap();
        let text = handle().to_secret();
        let ours = format!("sealgate-sign-in={}", text.expose());
        let among = cookies(&["a=b", &format!("c=d; {ours}; e")]);
        assert_eq!(
            presented(&issuer, &among).map(|found| found.id),
            Some(handle().id)
        );
        assert!(presented(&issuer, &cookies(&[&format!("{ours}; {ours}")])).is_none());
        assert!(presented(&issuer, &cookies(&[&ours, &ours])).is_none());
        assert!(presented(&issuer, &cookies(&["sealgate-sign-in=x"])).is_none());
        let https: Issuer = "https://127.0.0.1:8400".parse().unwrap();
        assert!(presented(&https, &cookies(&[&ours])).is_none());
    }
}
