//! Whatever a resource and the servers that it names tell an agent: what is read of it keeps its promises, and leads
//! nowhere that is never followed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_agent::discovery::{check_resource, resource_places, server_places};
use sealgate_agent::{Challenge, Demand, ResourceMetadata, ServerMetadata, WebUrl};

fn is_followed(url: &WebUrl) -> bool {
    let loopback = url.host() == "localhost" || url.literal().is_some_and(|at| at.is_loopback());
    url.as_str().starts_with("https://") || loopback
}

fuzz_target!(|told: (&[u8], &[u8], &[u8], &str)| {
    let (challenge, resource, server, url) = told;
    for challenge in Challenge::parse(challenge).unwrap_or_default() {
        assert!(!challenge.scheme.is_empty());
        for (name, _) in &challenge.parameters {
            assert_eq!(*name, name.to_ascii_lowercase());
            assert_eq!(challenge.parameters.iter().filter(|(other, _)| other == name).count(), 1);
        }
    }
    let demand = Demand::read([challenge], Some("DPoP"));
    if let Some(metadata) = &demand.metadata {
        assert!(is_followed(metadata));
    }
    let Ok(url) = WebUrl::parse(url) else { return };
    assert!(is_followed(&url) && url.contains(&url) | url.query().is_some());
    for place in resource_places(&url, None).unwrap_or_default() {
        assert_eq!(place.origin(), url.origin());
    }
    for place in server_places(url.as_str()).unwrap_or_default() {
        assert_eq!(place.origin(), url.origin());
    }
    if let Ok(metadata) = ResourceMetadata::parse(resource) {
        let at = demand.metadata.unwrap_or_else(|| url.clone());
        if check_resource(&url, &at, &metadata).is_ok() {
            let named = WebUrl::parse(&metadata.resource).expect("it was read as a URL");
            assert_eq!(named.origin(), url.origin());
            assert!(named.contains(&url) || named.is_almost(&url) || named.as_str() == url.without_query());
        }
    }
    if let Ok(metadata) = ServerMetadata::parse(server, url.as_str()) {
        assert_eq!(metadata.issuer, url.as_str());
        if let Ok(endpoint) = metadata.token_url() {
            assert!(is_followed(endpoint));
        }
    }
});
