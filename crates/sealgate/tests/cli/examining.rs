//! `sealgate doctor` on control planes that are well, and on some that are not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::harness::{Done, Home};

/// What the doctor says, the home and the server's address left out.
fn said(home: &Home, done: &Done) -> String {
    let folder = home.data().parent().unwrap().display().to_string();
    let text = done.stdout.replace(&folder, "HOME");
    let masked = text.lines().map(|line| {
        // Ids and days change from run to run.
        let line = match line.split_once(" has signed for ") {
            Some((before, rest)) => {
                format!("{} KID has signed for {rest}", &before[..before.len() - 17])
            }
            None => line.to_owned(),
        };
        match line.split_once(" takes over on ") {
            Some((before, _)) => format!("{before} takes over on DATE"),
            None => line,
        }
    });
    masked.map(|line| line + "\n").collect()
}

#[test]
fn a_control_plane_that_is_well_needs_nothing() {
    let home = Home::new();
    let server = home.serve(&[]);
    let done = home.run(&["doctor"]);
    assert_eq!(done.status, 0, "{}", done.stdout);
    let text = said(&home, &done).replace(&server.url, "ISSUER");
    insta::assert_snapshot!(text, @r"
    ok    settings  there is no settings file; 1 set by options and variables
    ok    data      HOME/data is closed to other users
    ok    data      there is room on the disk
    skip  clock     the clock was compared with no other machine's; --clock-url names one
    skip  tls       no certificate is set, and the issuer is not https
    ok    issuer    ISSUER is told at 2 addresses
    ok    proxy     the sign-in page arrives with its headers
    ok    proxy     forwarding headers of strangers change nothing
    skip  cookies   sign-ins are kept in sealgate-sign-in, without Secure: plain http on loopback is for development
    ok    keys      KID has signed for EdDSA for 0 days
    ok    keys      the next signing key for EdDSA takes over on DATE
    ok    clients   no client has a risky redirect URI; there are 0
    ");
    assert_eq!(done.stderr, "Everything that was looked at is right.\n");
}

#[test]
fn what_must_be_fixed_is_told_with_what_to_do_and_exit_status_1() {
    let home = Home::new();
    let server = home.serve(&[]);
    let open = Permissions::from_mode(0o644);
    fs::set_permissions(home.data().join("master.key"), open).unwrap();
    let file = home.data().join("sealgate.toml");
    fs::write(&file, "[keys]\nrotate_every = '30d'\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let uri = "http://127.0.0.1:8000/auth/callback";
    home.json(&["client", "add", "App", "--redirect-uri", uri, "--id", "app"]);
    // Another issuer than the one that is served there.
    let other = server.url.replace("127.0.0.1", "localhost");
    let done = home.run(&["doctor", "--issuer", &other]);
    assert_eq!(done.status, 1);
    let text = said(&home, &done)
        .replace(&server.url, "SERVED")
        .replace(&other, "ISSUER");
    insta::assert_snapshot!(text, @r"
    fix   settings  HOME/data/sealgate.toml can be changed by other users of this machine (mode 666)
                    hint: run: chmod go-w HOME/data/sealgate.toml
    fix   data      HOME/data/master.key is open to other users of this machine (mode 644)
                    hint: run: chmod 600 HOME/data/master.key
    ok    data      there is room on the disk
    skip  clock     the clock was compared with no other machine's; --clock-url names one
    skip  tls       no certificate is set, and the issuer is not https
    fix   issuer    ISSUER/.well-known/openid-configuration tells the issuer SERVED, not ISSUER
                    hint: give the server the URL that clients use as --issuer, byte for byte
    fix   issuer    ISSUER/.well-known/oauth-authorization-server tells the issuer SERVED, not ISSUER
                    hint: give the server the URL that clients use as --issuer, byte for byte
    ok    proxy     the sign-in page arrives with its headers
    ok    proxy     forwarding headers of strangers change nothing
    skip  cookies   sign-ins are kept in sealgate-sign-in, without Secure: plain http on loopback is for development
    ok    keys      KID has signed for EdDSA for 0 days
    ok    clients   no client has a risky redirect URI; there are 1
    ");

    let machine = home.run(&["doctor", "--json", "--issuer", &other]);
    assert_eq!(machine.status, 1);
    let report: Value = serde_json::from_str(&machine.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let fixes = findings
        .iter()
        .filter(|finding| finding["verdict"] == "fix");
    assert_eq!(fixes.count(), 4, "{}", machine.stdout);
}

#[test]
fn settings_that_cannot_be_used_are_a_finding_of_their_own() {
    let home = Home::new();
    let done = home.run(&["doctor", "--set", "lifetimes.access=1d"]);
    assert_eq!(done.status, 1);
    insta::assert_snapshot!(done.stdout, @r#"fix   settings  --set: lifetimes.access must be a duration from 1m to 1h, such as "5m", and is "1d" (setting_wrong)"#);
}

#[test]
fn the_certificate_must_be_for_the_issuer_and_the_one_that_is_served() {
    let home = Home::new();
    let certificate = home.certificate();
    let (chain, key) = (certificate.chain_path(), certificate.key_path());
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let tls = ["--tls-cert", &chain, "--tls-key", &key];
    let server = home.serve(&tls);
    let doctor = |more: &[&str]| home.run(&[&["doctor"], &tls[..], more].concat());
    let well = doctor(&["--authority-file", &chain]);
    assert_eq!(well.status, 0, "{}", well.stdout);
    let text = said(&home, &well).replace(&server.url, "ISSUER");
    insta::assert_snapshot!(text, @r"
    ok    settings  there is no settings file; 3 set by options and variables
    ok    data      HOME/data is closed to other users
    ok    data      there is room on the disk
    skip  clock     the clock was compared with no other machine's; --clock-url names one
    ok    tls       the certificate is good until 4096-01-01 00:00Z
    ok    tls       the certificate is for 127.0.0.1
    ok    tls       ISSUER serves this certificate
    ok    issuer    ISSUER is told at 2 addresses
    ok    proxy     the sign-in page arrives with its headers
    ok    proxy     forwarding headers of strangers change nothing
    skip  proxy     plain http was not tried: the issuer has a port of its own
    ok    cookies   sign-ins are kept in __Host-Http-sealgate-sign-in: Secure, HttpOnly, for this host alone
    ok    keys      KID has signed for EdDSA for 0 days
    ok    keys      the next signing key for EdDSA takes over on DATE
    ok    clients   no client has a risky redirect URI; there are 0
    ");

    // Strangers do not trust it.
    let strangers = doctor(&[]);
    assert_eq!(strangers.status, 1);
    assert!(
        strangers
            .stdout
            .contains("fix   issuer    nothing answers at"),
        "{}",
        strangers.stdout
    );

    let trusted = home.write("trusted.pem", &fs::read_to_string(&chain).unwrap());
    home.certificate_for("other.example");
    fs::set_permissions(&key, Permissions::from_mode(0o604)).unwrap();
    let ill = doctor(&["--authority-file", trusted.to_str().unwrap()]);
    assert_eq!(ill.status, 1);
    let text = said(&home, &ill).replace(&server.url, "ISSUER");
    let tls = text
        .lines()
        .filter(|line| line.starts_with("                ") || line[6..].starts_with("tls"));
    insta::assert_snapshot!(tls.collect::<Vec<_>>().join("\n"), @r"
    fix   tls       HOME/key.pem is open to every user of this machine (mode 604)
                    hint: run: chmod o= HOME/key.pem
    ok    tls       the certificate is good until 4096-01-01 00:00Z
    fix   tls       the certificate is for other.example, not for 127.0.0.1
                    hint: get one for the issuer's host
    warn  tls       ISSUER serves another certificate than the file holds
                    hint: a new certificate is read when the server starts: restart it
    ");
}

#[test]
fn an_issuer_with_a_path_is_looked_at_in_all_four_places() {
    let home = Home::new();
    let server = home.serve(&[]);
    let address = server.url.clone();
    server.terminate();
    let listen = address.strip_prefix("http://").unwrap();
    let issuer = format!("{address}/tenant");
    let _server = home.serve_at(listen, &["--issuer", &issuer]);
    let done = home.run(&["doctor"]);
    assert_eq!(done.status, 0, "{}", done.stdout);
    let found = format!("ok    issuer    {issuer} is told at 4 addresses\n");
    assert!(done.stdout.contains(&found), "{}", done.stdout);
}
