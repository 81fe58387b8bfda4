//! Whom it may be: this machine, or a host that was named.

use std::io::{IsTerminal as _, stderr, stdin};
use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::failure::Failure;
use crate::screen;

/// Where requests go, resolved once.
#[derive(Debug)]
pub(super) struct Place {
    /// Without path: `https://staging.example:8443`.
    pub(super) origin: String,
    /// As `Host` has it.
    pub(super) authority: String,
    /// The host's name.
    pub(super) host: String,
    /// Its addresses. No other is ever used.
    pub(super) addresses: Vec<SocketAddr>,
    /// The path below which the application is served, without a slash at its end.
    pub(super) prefix: String,
}

/// Where `target` is, if it may be asked: loopback addresses may, and what `allowed` names.
pub(super) async fn place(target: &str, allowed: &[String]) -> Result<Place, Failure> {
    let url = parsed(target)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or_default();
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![SocketAddr::new(address.into(), port)],
        Some(Host::Ipv6(address)) => vec![SocketAddr::new(address.into(), port)],
        _ => {
            let found = tokio::net::lookup_host((host.as_str(), port)).await;
            let found = found.map_err(|error| {
                let said = format!("cannot find {host}: {error}");
                Failure::usage("probe_host_unknown", said)
            })?;
            found.collect()
        }
    };
    let ips: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    permitted(&host, &ips, allowed)?;
    let mut authority = host.clone();
    if let Some(port) = url.port() {
        authority = format!("{authority}:{port}");
    }
    Ok(Place {
        origin: format!("{}://{authority}", url.scheme()),
        authority,
        host,
        addresses,
        prefix: url.path().trim_end_matches('/').to_owned(),
    })
}

fn parsed(target: &str) -> Result<Url, Failure> {
    let wrong = |said: &str| {
        Failure::usage("probe_url_wrong", format!("{target} {said}"))
            .with_hint("give an address such as http://127.0.0.1:8000")
    };
    let url = Url::parse(target).map_err(|error| wrong(&format!("is no address: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(wrong("is neither http nor https"));
    }
    // What is told back must not be somebody's password.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage(
            "probe_url_wrong",
            "the address has a name or password in it",
        )
        .with_hint("put credentials into the file of --identities"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has more than a host and a path"));
    }
    Ok(url)
}

fn permitted(host: &str, ips: &[IpAddr], allowed: &[String]) -> Result<(), Failure> {
    let named = allowed.iter().find_map(|text| {
        let (name, address) = match text.split_once('=') {
            Some((name, address)) => (name, Some(address)),
            None => (text.as_str(), None),
        };
        name.eq_ignore_ascii_case(host).then_some(address)
    });
    match named {
        Some(None) => return Ok(()),
        Some(Some(address)) => {
            let address: IpAddr = address.parse().map_err(|_| {
                let said = format!("{address} is no address, in --allow-host {host}={address}");
                Failure::usage("probe_host_wrong", said)
            })?;
            return match ips.iter().find(|ip| **ip != address) {
                None => Ok(()),
                Some(other) => Err(Failure::usage(
                    "probe_host_moved",
                    format!("{host} is at {other}, and only {address} is allowed"),
                )),
            };
        }
        None => {}
    }
    match ips.iter().find(|ip| !ip.is_loopback()) {
        None if !ips.is_empty() => Ok(()),
        _ => Err(
            Failure::usage("probe_host_foreign", format!("{host} is not this machine")).with_hint(
                format!("if it is yours and may be asked, say --allow-host {host}"),
            ),
        ),
    }
}

/// Lets the person type the host's name before anything is changed there.
pub(super) fn confirm(host: &str, said: Option<&str>) -> Result<(), Failure> {
    let denied = || {
        Failure::usage("confirmation_denied", "nothing was sent")
            .with_hint(format!("the host that would be changed is {host}"))
    };
    if let Some(said) = said {
        return if said == host { Ok(()) } else { Err(denied()) };
    }
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        let said = format!("this would send POST, PUT, PATCH and DELETE to {host}");
        return Err(Failure::usage("confirmation_missing", said)
            .with_hint(format!("give --yes {host} if that is what you want")));
    }
    screen::talk(&format!(
        "This would send POST, PUT, PATCH and DELETE to every route of {}, and change or delete what they hold.\n\
         Type the name of the host to go on: ",
        screen::clean(host)
    ));
    let mut answer = String::new();
    // What cannot be read is no yes.
    let _ = stdin().read_line(&mut answer);
    if answer.trim() == host {
        Ok(())
    } else {
        Err(denied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(host: &str, ip: &str, allowed: &[&str]) -> Result<(), String> {
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        let ips: Vec<IpAddr> = ip
            .split_whitespace()
            .map(|ip| ip.parse().unwrap())
            .collect();
        permitted(host, &ips, &allowed).map_err(|failure| failure.text())
    }

    #[test]
    fn only_this_machine_and_named_hosts_are_asked() {
        assert!(allowed("localhost", "127.0.0.1 ::1", &[]).is_ok());
        assert!(allowed("staging.example", "192.0.2.7", &["staging.example"]).is_ok());
        for (host, ip, named) in [
            ("staging.example", "192.0.2.7", [].as_slice()),
            ("example", "192.0.2.7", &["staging.example"]),
            // A name that leads elsewhere than it says.
            ("localhost", "127.0.0.1 192.0.2.7", &[]),
            ("localhost", "", &[]),
            ("169.254.169.254", "169.254.169.254", &[]),
        ] {
            let said = allowed(host, ip, named).unwrap_err();
            assert!(said.contains("probe_host_foreign"), "{said}");
        }
    }

    #[test]
    fn a_host_that_is_elsewhere_than_it_was_said_to_be_is_not_asked() {
        let named = ["staging.example=192.0.2.7"];
        assert!(allowed("staging.example", "192.0.2.7", &named).is_ok());
        let moved = allowed("staging.example", "192.0.2.8", &named).unwrap_err();
        insta::assert_snapshot!(moved, @"error: staging.example is at 192.0.2.8, and only 192.0.2.7 is allowed (probe_host_moved)");
    }

    #[test]
    fn an_address_is_a_host_and_perhaps_a_path() {
        for wrong in [
            "ftp://127.0.0.1",
            "http://a:b@127.0.0.1",
            "http://127.0.0.1/?a",
            "http://",
        ] {
            let said = parsed(wrong).unwrap_err().text();
            assert!(said.contains("probe_url_wrong"), "{said}");
            assert!(!said.contains("a:b"), "{said}");
        }
        assert!(parsed("https://127.0.0.1:8443/api").is_ok());
    }

    #[test]
    fn nothing_is_changed_at_a_host_that_was_not_typed() {
        assert!(confirm("staging.example", Some("staging.example")).is_ok());
        assert!(confirm("staging.example", Some("staging")).is_err());
    }
}
