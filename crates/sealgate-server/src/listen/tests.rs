//! Where it may listen, and the administration socket.

use super::*;

fn issuer_of(given: Option<&str>, address: &str, tls: bool) -> Result<String, &'static str> {
    let given = given.map(|text| text.parse::<Issuer>().unwrap());
    let issuer = issuer_for(given.as_ref(), address.parse().unwrap(), tls);
    issuer
        .map(|issuer| issuer.to_string())
        .map_err(|error| error.code())
}

#[test]
fn the_issuer_defaults_to_the_loopback_address() {
    assert_eq!(
        issuer_of(None, "127.0.0.1:8420", false),
        Ok("http://127.0.0.1:8420".to_owned())
    );
    assert_eq!(
        issuer_of(None, "[::1]:8420", true),
        Ok("https://[::1]:8420".to_owned())
    );
    assert_eq!(issuer_of(None, "0.0.0.0:443", true), Err("issuer_unknown"));
}

#[test]
fn plain_http_stays_on_the_machine_or_behind_a_tls_proxy() {
    assert_eq!(issuer_of(None, "0.0.0.0:8420", false), Err("plain_http"));
    assert_eq!(
        issuer_of(Some("http://127.0.0.1:8420"), "0.0.0.0:8420", false),
        Err("plain_http")
    );
    assert_eq!(
        issuer_of(Some("http://id.example"), "127.0.0.1:8420", false),
        Err("plain_issuer")
    );
    assert_eq!(
        issuer_of(Some("http://127.0.0.1.example"), "127.0.0.1:80", false),
        Err("plain_issuer")
    );
    for sound in [
        "http://localhost:8420",
        "http://id.localhost:8420",
        "http://[::1]:8420",
        "http://127.0.0.1",
    ] {
        assert_eq!(
            issuer_of(Some(sound), "127.0.0.1:8420", false),
            Ok(sound.to_owned())
        );
    }
    assert!(issuer_of(Some("https://id.example"), "0.0.0.0:8420", false).is_ok());
}

#[test]
fn a_certificate_needs_an_https_issuer() {
    assert_eq!(
        issuer_of(Some("http://127.0.0.1:8420"), "127.0.0.1:8420", true),
        Err("issuer_not_https")
    );
    assert!(issuer_of(Some("https://id.example"), "0.0.0.0:443", true).is_ok());
}

#[test]
fn a_path_of_the_issuer_must_read_the_same_to_everybody() {
    let serve = |issuer: &str| issuer_of(Some(issuer), "127.0.0.1:8420", false);
    for plain in [
        "https://id.example/tenant",
        "https://id.example/a/b-c_d.e~f",
    ] {
        assert_eq!(serve(plain), Ok(plain.to_owned()));
    }
    for path in [
        "/a//b",
        "/a/../b",
        "/.well-known",
        "/a%2Fb",
        "/{id}",
        "/a*",
        "/a;b",
        "//a",
    ] {
        let refused = serve(&format!("https://id.example{path}"));
        assert_eq!(refused, Err("issuer_path"), "{path}");
    }
}

#[tokio::test]
async fn the_socket_is_closed_to_others_and_replaces_a_stale_one() {
    let parent = tempfile::tempdir().unwrap();
    let dir = DataDir::create(parent.path()).unwrap();
    drop(StdUnixListener::bind(dir.socket()).unwrap());
    let socket = AdminSocket::bind(&dir).unwrap();
    assert_eq!(
        fs::metadata(dir.socket()).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    drop(socket);
    assert!(!dir.socket().exists());
}

#[test]
fn a_path_too_long_for_a_socket_is_told() {
    let parent = tempfile::tempdir().unwrap();
    let dir = DataDir::create(&parent.path().join("x".repeat(120))).unwrap();
    assert_eq!(
        AdminSocket::bind(&dir).err().unwrap().code(),
        "socket_path_too_long"
    );
}
