//! Calls with tokens that are bound to a key: every request has its proof.

use super::*;

/// A proof as the other side checks it.
fn proof(onward: &Onward, world: &World, nonce: Option<&str>) -> DpopProof {
    let token = onward.authorization.expose().strip_prefix("DPoP ").unwrap();
    let proof = DpopProof::read(onward.dpop.as_ref().unwrap().expose()).unwrap();
    let expected = DpopExpectation {
        method: "PUT",
        url: DpopUrl::Written("https://two.example/orders"),
        now: world.clock.now().as_seconds(),
        leeway: 0,
        access_token: Some(token),
    };
    proof.check(&expected).unwrap();
    assert_eq!(proof.nonce.as_deref(), nonce);
    proof
}

#[tokio::test(start_paused = true)]
async fn a_bound_token_comes_with_a_proof_for_every_request() {
    let world = world().await;
    world.state().dpop_nonce = Some("as-nonce".to_owned());
    gives_for(&world, "t1", "DPoP", 300);
    let bound = bound();
    let call = || world.gate.onward(&bound, Behalf::Itself, "PUT", URL);
    let first = proof(&call().await.unwrap(), &world, None);
    // The endpoint wanted its nonce, and got it at once.
    {
        let state = world.state();
        let nonces = state
            .proofs
            .iter()
            .map(|proof| proof.as_ref().unwrap().nonce.as_deref());
        assert_eq!(nonces.collect::<Vec<_>>(), [None, Some("as-nonce")]);
        let proof = state.proofs[1].as_ref().unwrap();
        assert_eq!((proof.htm.as_str(), &proof.jkt), ("POST", &first.jkt));
        assert_eq!(proof.htu, format!("{ISSUER}/oauth/token"));
    }
    let second = proof(&call().await.unwrap(), &world, None);
    assert_eq!(first.jkt, second.jkt);
    assert_ne!(first.jti, second.jti);
    assert_eq!(asked(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn a_nonce_that_the_other_side_wants_is_used_from_then_on() {
    let world = world().await;
    gives_for(&world, "t1", "DPoP", 300);
    let bound = bound();
    let call = || world.gate.onward(&bound, Behalf::Itself, "PUT", URL);
    let answered = |onward: &Onward, status, nonce: &str| {
        let challenges: [&[u8]; 2] = [b"Bearer", b"DPoP error=\"use_dpop_nonce\", algs=\"ES256\""];
        let answered = Answered {
            status,
            challenges: &challenges,
            nonce: Some(nonce.as_bytes()),
        };
        world.gate.onward_answered(onward, &answered)
    };
    let onward = call().await.unwrap();
    assert_eq!(answered(&onward, 401, "n1"), Some(Again::Nonce));
    let onward = call().await.unwrap();
    proof(&onward, &world, Some("n1"));
    // The same nonce once more would be refused once more.
    assert_eq!(answered(&onward, 401, "n1"), None);
    assert_eq!(answered(&onward, 200, "n2"), None);
    proof(&call().await.unwrap(), &world, Some("n2"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_other_side_refuses_is_asked_for_anew_once() {
    let world = world().await;
    gives(&world, "t1");
    let refused = |onward: &Onward| {
        let answered = Answered {
            status: 401,
            challenges: &[b"Bearer realm=\"two\", error=\"invalid_token\""],
            nonce: None,
        };
        world.gate.onward_answered(onward, &answered)
    };
    let young = call(&world, Behalf::Itself).await.unwrap();
    assert_eq!(refused(&young), None);
    pass(&world, 10).await;
    assert_eq!(refused(&young), Some(Again::Token));
    gives(&world, "t2");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t2");
    // A second request that was sent with the old one does not drop the new one.
    assert_eq!(refused(&young), Some(Again::Token));
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t2");
    assert_eq!(asked(&world), 2);
    for (status, challenge) in [(403, "error=\"invalid_token\""), (401, "error=\"other\"")] {
        let onward = call(&world, Behalf::Itself).await.unwrap();
        pass(&world, 10).await;
        let answered = Answered {
            status,
            challenges: &[challenge.as_bytes()],
            nonce: None,
        };
        assert_eq!(world.gate.onward_answered(&onward, &answered), None);
    }
}
