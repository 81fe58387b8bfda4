//! Answers that the browser posts to the client.

use super::*;

#[tokio::test]
async fn a_code_is_posted_by_a_page_that_nobody_keeps_and_that_works_without_script() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let mut pairs = wish_with("state", "\"><script>alert(1)</script>");
    pairs.push(("response_mode", "form_post".to_owned()));
    let response = house.get(&authorize(&pairs), Some(&cookie)).await;
    assert_eq!(response.status(), StatusCode::OK);
    no_store(response.headers());
    assert_eq!(response.headers()["referrer-policy"], "strict-origin");
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https: https://app.example; script-src 'sha256-"),
        "{policy}"
    );
    let policy = policy.to_owned();
    let html = text(response).await;
    assert!(
        html.contains(&format!(r#"<form method="post" action="{CALLBACK}""#)),
        "{html}"
    );
    assert!(html.contains(r#"<button class="primary" type="submit">Continue</button>"#));
    // The one script is the one whose hash is let through, and what the client sent is none.
    let script = html.split("<script>").nth(1).unwrap();
    let script = script.split("</script>").next().unwrap();
    let digest = STANDARD.encode(sha256(script.as_bytes()).as_bytes());
    assert!(policy.ends_with(&format!("'sha256-{digest}'")), "{policy}");
    assert_eq!(html.matches("<script").count(), 1);

    let field = |name: &str| {
        let at = html.find(&format!(r#"name="{name}" value=""#)).unwrap();
        html[at..].split('"').nth(3).unwrap().to_owned()
    };
    assert_eq!(field("iss"), ISSUER);
    assert!(
        field("state").contains("&#60;script&#62;"),
        "{}",
        field("state")
    );
    let given = tokens(house.redeem("app", &field("code")).await).await;
    assert!(given.body["id_token"].is_string());
}

#[tokio::test]
async fn an_error_is_posted_too() {
    let house = House::new().await;
    for (name, value) in [("prompt", "none"), ("scope", "openid other")] {
        let mut pairs = wish_with(name, value);
        pairs.push(("response_mode", "form_post".to_owned()));
        let response = house.get(&authorize(&pairs), None).await;
        assert_eq!(response.status(), StatusCode::OK);
        let html = text(response).await;
        let error = if name == "prompt" {
            "login_required"
        } else {
            "invalid_scope"
        };
        assert!(
            html.contains(&format!(r#"name="error" value="{error}""#)),
            "{html}"
        );
        assert!(html.contains(&format!(r#"name="iss" value="{ISSUER}""#)));
    }
}
