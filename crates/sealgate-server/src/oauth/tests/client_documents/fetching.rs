//! When documents are fetched, and what becomes of what comes.

use super::*;

#[tokio::test]
async fn nothing_is_fetched_before_the_request_names_what_is_open() {
    let open = Open::new().await;
    open.publish(&document());
    for (resource, reason) in [
        ("", "resource_required"),
        ("https://closed.example", "resource_closed"),
        ("https://unknown.example", "resource_closed"),
        (ISSUER, "resource_closed"),
        ("https://id.example/api/v1", "resource_closed"),
        ("nonsense", "resource_malformed"),
    ] {
        open.refused(&changed("resource", resource), 400, reason)
            .await;
    }
    let mut two = wish_of(ID);
    two.push(("resource", "https://closed.example".to_owned()));
    open.refused(&two, 400, "resource_closed").await;
    assert_eq!(open.fetches(), 0);
    assert_eq!(open.row().await, None);
}

#[tokio::test]
async fn where_nothing_is_open_there_is_no_way_in() {
    let remote = Arc::new(FakeOutbound::new());
    let house = House::new_with_outbound(remote.clone()).await;
    let response = house.get(&authorize(&wish_of(ID)), None).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(remote.sent().is_empty());
}

#[tokio::test]
async fn an_unsound_document_counts_for_nothing_and_is_asked_for_again_in_a_moment() {
    let open = Open::new().await;
    let mut wrong = document();
    wrong["client_id"] = value!("https://agent.example/other.json");
    open.publish(&wrong);
    open.refused(&wish_of(ID), 400, "client_document_invalid")
        .await;
    assert_eq!(open.row().await, None);
    open.publish(&document());
    open.refused(&wish_of(ID), 400, "client_document_invalid")
        .await;
    assert_eq!(open.fetches(), 1, "not at once");
    open.house.clock.advance(Duration::from_secs(5));
    code_of(&open.house, &wish_of(ID)).await;
    assert_eq!(open.fetches(), 2);
}

#[tokio::test]
async fn what_is_wrong_with_the_answer_is_told_and_leads_nowhere() {
    let status = |status| {
        Ok(OutboundResponse {
            status,
            body: vec![],
            max_age: None,
        })
    };
    for (answer, code, reason) in [
        (status(404), 400, "client_document_invalid"),
        (status(403), 400, "client_document_invalid"),
        (status(204), 400, "client_document_invalid"),
        (status(500), 503, "client_document_unavailable"),
        (status(429), 503, "client_document_unavailable"),
        (
            Err(OutboundError::Redirected),
            400,
            "client_document_invalid",
        ),
        (
            Err(OutboundError::TypeWrong),
            400,
            "client_document_invalid",
        ),
        (
            Err(OutboundError::TooLarge(5120)),
            400,
            "client_document_invalid",
        ),
        (
            Err(OutboundError::AddressRefused("private")),
            503,
            "client_document_unavailable",
        ),
        (
            Err(OutboundError::TimedOut),
            503,
            "client_document_unavailable",
        ),
        (
            Err(OutboundError::Unresolved),
            503,
            "client_document_unavailable",
        ),
    ] {
        let open = Open::new().await;
        open.remote.set(ID, answer.clone());
        open.refused(&wish_of(ID), code, reason).await;
        assert_eq!(open.row().await, None, "{answer:?}");
    }
}

#[tokio::test]
async fn a_document_is_kept_for_as_long_as_it_may_be_within_bounds() {
    for (told, kept) in [
        (Some(Duration::ZERO), 60),
        (None, 3600),
        (Some(Duration::from_secs(600)), 600),
        (Some(Duration::from_secs(1_000_000)), 24 * 3600),
    ] {
        let open = Open::new().await;
        open.publish_for(&document(), told);
        open.ask(&wish_of(ID)).await;
        open.house.clock.advance(Duration::from_secs(kept - 1));
        open.ask(&wish_of(ID)).await;
        assert_eq!(open.fetches(), 1, "{told:?}");
        open.house.clock.advance(Duration::from_secs(1));
        open.ask(&wish_of(ID)).await;
        assert_eq!(open.fetches(), 2, "{told:?}");
    }
}

#[tokio::test]
async fn while_it_cannot_be_had_what_it_said_counts_for_a_day() {
    let open = Open::new().await;
    open.publish(&document());
    open.ask(&wish_of(ID)).await;
    open.remote.set(ID, Err(OutboundError::TimedOut));
    open.house.clock.advance(Duration::from_secs(23 * 3600));
    let response = open.ask(&wish_of(ID)).await;
    assert_eq!(location(&response).path(), "/consent");
    open.house.clock.advance(Duration::from_secs(2 * 3600));
    open.refused(&wish_of(ID), 503, "client_document_unavailable")
        .await;
    // One that is gone, or says something else, does not count any more at all.
    let open = Open::new().await;
    open.publish(&document());
    open.ask(&wish_of(ID)).await;
    open.publish(&value!({}));
    open.house.clock.advance(Duration::from_secs(3600));
    open.refused(&wish_of(ID), 400, "client_document_invalid")
        .await;
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait_and_a_host_is_not_asked_at_will() {
    let open = Open::new().await;
    open.publish(&document());
    let wish = wish_of(ID);
    let ask = || open.ask(&wish);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    for response in [one, two, three] {
        assert_eq!(location(&response).path(), "/consent");
    }
    assert_eq!(open.fetches(), 1);
    // Other documents of the same host count together.
    for number in 0..5 {
        let id = format!("https://agent.example/{number}");
        open.refused(&wish_of(&id), 503, "client_document_unavailable")
            .await;
    }
    let pairs = wish_of("https://agent.example/more");
    open.refused(&pairs, 503, "client_document_throttled").await;
    assert_eq!(open.fetches(), 6);
    open.refused(
        &wish_of("https://b.example/c"),
        503,
        "client_document_unavailable",
    )
    .await;
}

#[tokio::test]
async fn strangers_keep_no_known_client_from_being_read_again() {
    let open = Open::new().await;
    open.publish(&document());
    open.ask(&wish_of(ID)).await;
    // Somebody makes up documents at its host for as long as what was read of it counts, and on.
    open.house.clock.advance(Duration::from_secs(25 * 3600));
    for number in 0..10 {
        let id = format!("https://agent.example/{number}");
        open.ask(&wish_of(&id)).await;
    }
    let before = open.fetches();
    let response = open.ask(&wish_of(ID)).await;
    assert_eq!(location(&response).path(), "/consent");
    assert_eq!(open.fetches(), before + 1);
}

#[tokio::test]
async fn a_document_that_moves_where_codes_go_is_agreed_to_anew_and_ends_what_it_loses() {
    let open = Open::new().await;
    open.publish(&document());
    let code = code_of(&open.house, &wish_of(ID)).await;
    let first = tokens(redeem_as(&open.house, ID, &code, CALLBACK).await).await;
    let response = open.ask(&wish_of(ID)).await;
    assert!(
        sent_back(&response).contains_key("code"),
        "agreed to before"
    );

    let mut wider = document();
    wider["redirect_uris"] = value!([
        CALLBACK,
        "http://localhost/cb",
        "http://127.0.0.1/cb",
        "https://new.example/cb"
    ]);
    open.publish(&wider);
    open.house.clock.advance(Duration::from_secs(3600));
    let response = open.ask(&wish_of(ID)).await;
    assert_eq!(location(&response).path(), "/consent");
    let renewed = open.house.revoked_for(&first.access).await;
    assert_eq!(renewed, None, "one more address takes nothing away");

    let mut moved = document();
    moved["redirect_uris"] = value!(["https://new.example/cb"]);
    open.publish(&moved);
    open.house.clock.advance(Duration::from_secs(3600));
    open.refused(&wish_of(ID), 400, "redirect_uri_unregistered")
        .await;
    let revoked = open.house.revoked_for(&first.access).await;
    assert_eq!(revoked, Some(RevokeReason::ClientRevoked));
}
