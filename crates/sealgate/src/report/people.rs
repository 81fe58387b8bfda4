//! Accounts, clients and service accounts.

use sealgate_model::{ClientId, Timestamp, UserId};
use sealgate_report::{AccountFacts, ClientFact, MachineFact};
use sealgate_server::admin::{AuditRecords, ClientView, MachineUse, MachineView, Machines, Users};
use sealgate_store::ClientAuthentication;

use crate::client;
use crate::door::Door;
use crate::failure::Failure;

/// The role of administrators.
const ADMIN: &str = "admin";

pub(super) async fn accounts(door: &Door) -> Result<AccountFacts, Failure> {
    let mut facts = AccountFacts {
        total: 0,
        disabled: 0,
        administrators: 0,
    };
    let mut after: Option<UserId> = None;
    loop {
        let query = [("after", after.map(|id| id.to_string()))];
        let page: Users = door.get("/users", &query).await?;
        for user in page.users {
            facts.total += 1;
            let is_disabled = user.disabled_at.is_some();
            facts.disabled += usize::from(is_disabled);
            let administers = user.roles.iter().any(|role| role == ADMIN);
            facts.administrators += usize::from(administers && !is_disabled);
        }
        after = page.next;
        if after.is_none() {
            return Ok(facts);
        }
    }
}

/// Every client that is no service account.
pub(super) async fn clients(door: &Door) -> Result<Vec<ClientFact>, Failure> {
    let machines = machines(door).await?;
    let mut facts = Vec::new();
    for one in client::every(door).await? {
        if machines.iter().any(|machine| machine.id == one.id.as_str()) {
            continue;
        }
        let has_secret = one.authentication == ClientAuthentication::Secret;
        let secret_since = if has_secret {
            Some(since(door, &one).await?)
        } else {
            None
        };
        facts.push(ClientFact {
            id: one.id.to_string(),
            authentication: one.authentication.as_str().to_owned(),
            secret_since,
            agent: one.agent,
            disabled: one.disabled_at.is_some(),
            open_redirects: one.redirect_uris.iter().filter(|uri| is_open(uri)).count(),
        });
    }
    Ok(facts)
}

/// Since when a client's secret is the same: when the last one was made, as far as records are kept, or else
/// when the client was.
async fn since(door: &Door, client: &ClientView) -> Result<Timestamp, Failure> {
    let query = [
        ("action", Some("client.secret".to_owned())),
        ("client", Some(client.id.to_string())),
        ("outcome", Some("allowed".to_owned())),
        ("limit", Some("1".to_owned())),
    ];
    let page: AuditRecords = door.get("/audit", &query).await?;
    Ok(page
        .records
        .first()
        .map_or(client.created_at, |record| record.at))
}

/// Whether what is sent there can be read on the way: not over TLS, not on this machine, not by a name that an
/// application of the device has claimed.
fn is_open(uri: &str) -> bool {
    let Ok(url) = url::Url::parse(uri) else {
        return true;
    };
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !is_loopback
}

pub(super) async fn machines(door: &Door) -> Result<Vec<MachineFact>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<ClientId> = None;
    loop {
        let query = [("after", after.map(|id| id.to_string()))];
        let page: Machines = door.get("/machines", &query).await?;
        all.extend(page.machines.into_iter().map(machine));
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn machine(view: MachineView) -> MachineFact {
    let unused = |uses: Vec<MachineUse>| {
        uses.into_iter()
            .filter(|one| one.unused)
            .map(|one| one.name)
    };
    MachineFact {
        id: view.id.to_string(),
        owner: view.owner,
        environment: view.environment,
        expires_at: view.expires_at,
        used_at: view.last_used_at,
        unused: unused(view.scopes).chain(unused(view.resources)).collect(),
        federated: !view.identities.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_open_when_others_can_read_it_on_its_way() {
        for open in [
            "http://app.example.com/cb",
            "http://10.0.0.1/cb",
            "nonsense",
        ] {
            assert!(is_open(open), "{open}");
        }
        for closed in [
            "https://app.example.com/cb",
            "http://127.0.0.1:8000/cb",
            "http://[::1]/cb",
            "http://localhost/cb",
            "com.example.app:/cb",
        ] {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
