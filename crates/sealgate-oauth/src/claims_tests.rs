//! What the `claims` parameter may say, and what is kept of it.

use proptest::prelude::*;

use super::*;

const ADA: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const BOB: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

fn read(text: &str) -> Result<ClaimsRequest, OAuthError> {
    ClaimsRequest::parse(text)
}

fn subjects(text: &str) -> Option<Vec<String>> {
    let subjects = read(text).unwrap().subjects;
    subjects.map(|users| users.iter().map(ToString::to_string).collect())
}

#[test]
fn what_can_be_given_is_kept_and_the_rest_left_out() {
    // The example of OpenID Connect Core, 5.5.
    let request = read(
        r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null,
             "email": {"essential": true}, "email_verified": {"essential": true}, "picture": null,
             "http://example.info/claims/groups": null},
            "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}}}"#,
    )
    .unwrap();
    assert_eq!(request.userinfo, [Claim::Email, Claim::EmailVerified]);
    let mut id_token = request.id_token.clone();
    id_token.sort_by_key(|claim| *claim as u8);
    assert_eq!(id_token, [Claim::AuthTime, Claim::Acr]);
    let acr = request.acr.clone().unwrap();
    assert_eq!(acr.values, ["urn:mace:incommon:iap:silver"]);
    assert!(!acr.essential);
    assert_eq!(request.subjects, None);
}

#[test]
fn every_claim_that_can_be_given_is_known_by_its_name() {
    for (name, claim, _) in Claim::KNOWN {
        let request = read(&format!(r#"{{"userinfo":{{"{name}":null}}}}"#)).unwrap();
        assert_eq!(request.userinfo, [claim]);
        assert_eq!(serde_json::to_value(claim).unwrap(), name);
    }
}

#[test]
fn an_essential_acr_is_told_from_a_voluntary_one() {
    let acr = |text: &str| read(text).unwrap().acr.unwrap();
    let essential = acr(r#"{"id_token":{"acr":{"essential":true,"value":"a"}}}"#);
    assert!(essential.essential && essential.values == ["a"]);
    assert!(
        acr(r#"{"id_token":{"acr":{"essential":true}}}"#)
            .values
            .is_empty()
    );
    assert!(!acr(r#"{"id_token":{"acr":null}}"#).essential);
    // Only the ID token tells of the sign-in.
    assert_eq!(
        read(r#"{"userinfo":{"acr":{"essential":true,"value":"a"}}}"#)
            .unwrap()
            .acr,
        None
    );
}

#[test]
fn a_demand_for_one_user_is_kept_even_where_it_can_be_nobody() {
    let one = |value: &str| format!(r#"{{"id_token":{{"sub":{{"value":{value}}}}}}}"#);
    assert_eq!(
        subjects(&one(&format!("\"{ADA}\""))),
        Some(vec![ADA.to_owned()])
    );
    assert_eq!(subjects(&one("\"nobody\"")), Some(vec![]));
    assert_eq!(subjects(r#"{"id_token":{"sub":null}}"#), None);
    assert_eq!(
        subjects(r#"{"id_token":{"sub":{"values":[]}}}"#),
        Some(vec![])
    );
    let both = format!(
        r#"{{"id_token":{{"sub":{{"values":["{ADA}","{BOB}"]}}}},"userinfo":{{"sub":{{"value":"{BOB}"}}}}}}"#
    );
    assert_eq!(subjects(&both), Some(vec![BOB.to_owned()]));
    let neither = format!(
        r#"{{"id_token":{{"sub":{{"value":"{ADA}"}}}},"userinfo":{{"sub":{{"value":"{BOB}"}}}}}}"#
    );
    assert_eq!(subjects(&neither), Some(vec![]));
}

#[test]
fn a_wrong_type_is_refused_not_passed_over() {
    for wrong in [
        "",
        "null",
        "[]",
        "\"userinfo\"",
        r#"{"userinfo":null}"#,
        r#"{"userinfo":[]}"#,
        r#"{"id_token":"acr"}"#,
        r#"{"id_token":{"acr":true}}"#,
        r#"{"id_token":{"acr":{"essential":"true"}}}"#,
        r#"{"id_token":{"acr":{"essential":null}}}"#,
        r#"{"id_token":{"acr":{"values":"a"}}}"#,
        r#"{"id_token":{"acr":{"values":[1]}}}"#,
        r#"{"id_token":{"acr":{"value":1}}}"#,
        r#"{"id_token":{"acr":{"value":"a","values":["a"]}}}"#,
        r#"{"id_token":{"sub":{"value":null}}}"#,
        r#"{"id_token":{"nickname":7}}"#,
        r#"{"id_token":{"acr":null,"acr":{"essential":true}}}"#,
        r#"{"id_token":{},"id_token":{}}"#,
    ] {
        assert_eq!(read(wrong), Err(OAuthError::ClaimsMalformed), "{wrong}");
    }
}

#[test]
fn limits_hold_on_bytes_depth_and_count() {
    let deep = format!(r#"{{"other":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let long = format!(r#"{{"other":"{}"}}"#, "x".repeat(4096));
    let wide = format!(r#"{{"other":[{}0]}}"#, "0,".repeat(300));
    let many = (0..9)
        .map(|n| format!("\"{n}\""))
        .collect::<Vec<_>>()
        .join(",");
    let many = format!(r#"{{"id_token":{{"acr":{{"values":[{many}]}}}}}}"#);
    for text in [deep, long, wide, many] {
        assert_eq!(read(&text), Err(OAuthError::ClaimsTooLarge), "{text}");
    }
}

#[test]
fn a_client_learns_no_more_by_claims_than_by_its_scopes() {
    let request = read(r#"{"userinfo":{"email":null,"name":null,"roles":null},"id_token":{"email_verified":null}}"#)
        .unwrap()
        .within(&["openid".to_owned(), "profile".to_owned()]);
    assert_eq!(request.userinfo, [Claim::Name, Claim::Roles]);
    assert!(request.id_token.is_empty());
}

#[test]
fn an_empty_request_takes_no_room() {
    let request = read(r#"{"userinfo":{"nickname":null}}"#).unwrap();
    assert!(request.is_empty());
    assert_eq!(serde_json::to_string(&request).unwrap(), "{}");
}

proptest! {
    #[test]
    fn any_text_is_a_request_that_survives_sealing_or_an_error(
        text in "\\PC{0,80}|\\{\"(id_token|userinfo)\":\\{\"(acr|sub|email)\":\\{?[a-z\":,\\[\\]{}0-9]{0,40}\\}\\}"
    ) {
        if let Ok(request) = read(&text) {
            let kept = serde_json::to_string(&request).unwrap();
            prop_assert_eq!(serde_json::from_str::<ClaimsRequest>(&kept).unwrap(), request);
        }
    }
}
