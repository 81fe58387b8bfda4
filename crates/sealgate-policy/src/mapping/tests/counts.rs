//! What counts of what issuers tell and rules give: roles, scopes and kinds.

use sealgate_model::ActorKind;
use serde_json::json;

use super::*;

#[test]
fn what_a_foreign_issuer_tells_counts_until_a_rule_names_it() {
    let credential = Credential {
        issuer: FOREIGN,
        roles: names(&["admin"]),
        scopes: names(&["notes:read"]),
        ..Credential::default()
    };
    let judged = |text: &str| {
        let outcome = mapping(text).judge(&credential.told()).unwrap();
        (outcome.roles, outcome.scopes)
    };
    let told = (names(&["admin"]), names(&["notes:read"]));
    assert_eq!(judged(""), told);
    assert_eq!(
        judged("[[mapping]]\nwhen = { issuer = 'own', group = 'a' }\ngive.roles = ['r']"),
        told
    );
    assert_eq!(
        judged("[[mapping]]\nwhen = { issuer = '*', group = 'a' }\ngive.roles = ['r']"),
        told
    );
    let named = format!(
        "[[mapping]]\nwhen = {{ issuer = '{FOREIGN}', role = 'admin' }}\ngive.roles = ['viewer']\n"
    );
    assert_eq!(judged(&named), (names(&["viewer"]), Vec::new()));
    let kept = format!("{named}[mapping_of.'{FOREIGN}']\nscopes = 'told'");
    assert_eq!(judged(&kept), (names(&["viewer"]), names(&["notes:read"])));
    let both = format!("{named}[mapping_of.'{FOREIGN}']\nroles = 'told'");
    assert_eq!(judged(&both).0, ["admin", "viewer"]);
    let none = format!("[mapping_of.'{FOREIGN}']\nroles = 'mapped'");
    assert_eq!(judged(&none), (Vec::new(), names(&["notes:read"])));
    // Of our own control plane it counts also where a rule names it by its identifier.
    let own = Credential {
        issuer: OWN,
        ..credential.clone()
    };
    let text = format!(
        "[[mapping]]\nwhen = {{ issuer = '{OWN}', role = 'admin' }}\ngive.roles = ['viewer']"
    );
    assert_eq!(
        mapping(&text).judge(&own.told()).unwrap().roles,
        ["admin", "viewer"]
    );
    let strict =
        format!("[mapping_of.own]\nroles = 'mapped'\n[mapping_of.'{OWN}']\nroles = 'told'");
    assert!(
        mapping(&strict)
            .judge(&own.told())
            .unwrap()
            .roles
            .is_empty()
    );
}

#[test]
fn a_token_gets_no_scope_that_nobody_consented_to() {
    let text = "
        [[mapping]]
        when = { issuer = '*', group = 'finance' }
        give = { roles = ['accountant'], scopes = ['expenses:approve'] }
        [[mapping]]
        when = { issuer = '*', group = 'finance', scope = 'access_as_user' }
        give.scopes = ['expenses:read']
    ";
    let mapping = mapping(text);
    let mut user = Credential::with(json!({ "groups": ["finance"] }));
    user.scopes = names(&["access_as_user"]);
    let scopes = |credential: &Credential| mapping.judge(&credential.told()).unwrap().scopes;
    assert_eq!(scopes(&user), ["access_as_user", "expenses:read"]);
    let agent = Credential {
        kind: ActorKind::Agent,
        ..user.clone()
    };
    assert_eq!(scopes(&agent), ["access_as_user", "expenses:read"]);
    let narrow = Credential {
        scopes: names(&["notes:read"]),
        ..agent
    };
    assert_eq!(scopes(&narrow), ["notes:read"]);
    // The user at the application itself.
    let session = Credential {
        shown: Shown::Session,
        ..user.clone()
    };
    assert_eq!(
        scopes(&session),
        ["access_as_user", "expenses:approve", "expenses:read"]
    );
    // A machine of an issuer whose scopes are believed is bounded by them, and one of an issuer whose are not has
    // only what rules give.
    let machine = Credential {
        claims: user.claims.clone(),
        ..Credential::machine(FOREIGN)
    };
    assert_eq!(scopes(&machine), Vec::<String>::new());
    let mapped = format!("{text}\n[mapping_of.'{FOREIGN}']\nscopes = 'mapped'");
    let outcome = self::mapping(&mapped).judge(&machine.told()).unwrap();
    assert_eq!(outcome.scopes, ["expenses:approve"]);
    // A scope that any scope would do for is no consent.
    let any = "[[mapping]]\nwhen = { issuer = 'own', scope = '*' }\ngive.scopes = ['a']";
    assert_eq!(
        self::mapping(any).judge(&user.told()).unwrap().scopes,
        ["access_as_user"]
    );
}

#[test]
fn kinds_are_given_and_contradictions_refused() {
    let text = format!(
        "[[mapping]]\nwhen = {{ issuer = '{FOREIGN}', client = 'copilot' }}\ngive.actor = 'agent'\n\
         [[mapping]]\nwhen = {{ issuer = '{FOREIGN}', client = 'co*' }}\ngive.actor = 'agent'\n\
         [[mapping]]\nwhen = {{ issuer = '{FOREIGN}', client = 'batch' }}\ngive.actor = 'machine'\n\
         [[mapping]]\nwhen = {{ issuer = '{FOREIGN}', client = 'odd' }}\ngive.actor = 'machine'\n\
         [[mapping]]\nwhen = {{ issuer = '{FOREIGN}', client = 'odd' }}\ngive.actor = 'agent'\n\
         [[mapping]]\nwhen = {{ issuer = '{FOREIGN}', client = 'human' }}\ngive.actor = 'user'\n"
    );
    let mapping = mapping(&text);
    let judged = |client: &str, told: &Credential| {
        let credential = Credential {
            client: client.to_owned(),
            ..told.clone()
        };
        mapping
            .judge(&credential.told())
            .map(|outcome| outcome.kind)
    };
    let user = Credential {
        issuer: FOREIGN,
        ..Credential::default()
    };
    let machine = Credential::machine(FOREIGN);
    let session = Credential {
        shown: Shown::Session,
        ..user.clone()
    };
    let agent = Credential {
        kind: ActorKind::Agent,
        ..user.clone()
    };
    let wrong = Err(Refusal::Contradictory);
    assert_eq!(judged("cli", &user), Ok(ActorKind::User));
    assert_eq!(judged("copilot", &user), Ok(ActorKind::Agent));
    assert_eq!(judged("batch", &user), Ok(ActorKind::Machine));
    assert_eq!(judged("odd", &user), wrong);
    assert_eq!(judged("copilot", &machine), Ok(ActorKind::Agent));
    assert_eq!(judged("human", &machine), wrong);
    assert_eq!(judged("human", &user), Ok(ActorKind::User));
    assert_eq!(judged("copilot", &session), wrong);
    assert_eq!(judged("batch", &agent), wrong);
    assert_eq!(judged("human", &agent), wrong);
    let only = format!(
        "{text}[[mapping]]\nwhen = {{ issuer = '{FOREIGN}', claim.token_use = 'agent' }}\ngive.actor = 'agent'\n\
         [mapping_of.'{FOREIGN}']\nactor = 'mapped'"
    );
    let only = self::mapping(&only);
    assert_eq!(only.judge(&user.told()), Err(Refusal::Unmapped));
    let mut says = user.clone();
    says.claims.insert("token_use".to_owned(), json!("agent"));
    assert_eq!(
        only.judge(&says.told()).map(|outcome| outcome.kind),
        Ok(ActorKind::Agent)
    );
}
