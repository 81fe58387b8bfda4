//! What people read on each page about a sign-in that failed.

use std::fmt::Write as _;
use std::time::Duration;

use sealgate_gate::Response;
use sealgate_host::FetchError;
use serde_json::json;

use crate::browser::{Begun, Browser, begin, user};
use crate::provider::{ISSUER, World, cold_world, world};

/// The page as it is read: without its style, without marks, one line for each block.
fn read(response: &Response) -> String {
    let html = String::from_utf8(response.body.clone()).unwrap();
    let main = html.split_once("<main>").unwrap().1;
    let main = main.split_once("</main>").unwrap().0;
    let mut text = String::new();
    let mut rest = main.trim();
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (mark, after) = after.split_once('>').unwrap();
        if let Some(target) = mark.strip_prefix("a href=") {
            write!(text, "[{}] ", target.trim_matches('"')).unwrap();
        }
        rest = after;
    }
    text.push_str(rest);
    format!("{} {}\n{}", response.status, response.reason, text.trim())
}

/// A page for each way a sign-in may come back wrongly.
async fn page(prepare: impl FnOnce(&World, &mut Browser, &Begun) -> String) -> String {
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login?return_to=/expenses").await;
    let target = prepare(&world, &mut browser, &begun);
    let response = browser.send(&world.gate, "GET", &target, &user()).await;
    read(&response.unwrap_err())
}

fn error(begun: &Begun, code: &str) -> String {
    format!(
        "/auth/callback?error={code}&state={}&iss={ISSUER}",
        begun.get("state")
    )
}

#[tokio::test(start_paused = true)]
async fn each_way_a_sign_in_fails_has_words_of_its_own() {
    let mut pages = vec![
        page(|_, browser, begun| {
            browser.cookies.clear();
            begun.answer()
        })
        .await,
        page(|_, browser, begun| {
            browser.cookies.clear();
            browser.host = Some("localhost");
            begun.answer()
        })
        .await,
        page(|_, _, _| format!("/auth/callback?code=c&state=another-state&iss={ISSUER}")).await,
        page(|world, _, begun| {
            world.clock.advance(Duration::from_secs(601));
            begun.answer()
        })
        .await,
        page(|_, _, _| "/auth/callback".to_owned()).await,
        page(|_, _, begun| begun.answer().replace(ISSUER, "https://other.example")).await,
        page(|_, _, begun| error(begun, "access_denied")).await,
        page(|_, _, begun| error(begun, "login_required")).await,
        page(|_, _, begun| error(begun, "invalid_scope")).await,
        page(|_, _, begun| error(begun, "temporarily_unavailable")).await,
        page(|world, _, begun| {
            let answer = Err(FetchError::TimedOut);
            world.state().token_answers.push_back(answer);
            begun.answer()
        })
        .await,
        page(|world, _, begun| {
            let answer = Ok((400, json!({"error": "invalid_grant"})));
            world.state().token_answers.push_back(answer);
            begun.answer()
        })
        .await,
        page(|world, _, begun| {
            world.state().claims.push(("nonce", json!("another")));
            begun.answer()
        })
        .await,
        page(|world, _, begun| {
            let roles: Vec<String> = (0..200)
                .map(|n| format!("accountant-of-branch-{n:05}"))
                .collect();
            world.state().claims.push(("roles", json!(roles)));
            begun.answer()
        })
        .await,
    ];
    pages.push(used().await);
    pages.push(looping().await);
    pages.push(unable().await);
    let titles: std::collections::BTreeSet<_> = pages.iter().map(|page| &page[4..]).collect();
    assert_eq!(titles.len(), pages.len(), "no two pages are the same");
    insta::assert_snapshot!(pages.join("\n\n"));
}

/// A finished sign-in, in a browser whose session is gone.
async fn used() -> String {
    let world = world().await;
    let mut browser = crate::browser::signed_in(&world).await;
    let begun = begin(&world, &mut browser, "/auth/login").await;
    let done = browser
        .send(&world.gate, "GET", &begun.answer(), &user())
        .await;
    assert_eq!(done.unwrap_err().status, 303);
    browser.cookies.remove("__Host-Http-sealgate");
    let response = browser
        .send(&world.gate, "GET", &begun.answer(), &user())
        .await;
    read(&response.unwrap_err())
}

async fn looping() -> String {
    let world = world().await;
    let mut browser = Browser::default();
    let rounds = "__Host-Http-sealgate-rounds".to_owned();
    browser.cookies.insert(rounds, "3.1790000000".to_owned());
    let target = "/auth/login?return_to=/expenses&reason=session_revoked";
    let response = browser.send(&world.gate, "GET", target, &user()).await;
    read(&response.unwrap_err())
}

async fn unable() -> String {
    let world = cold_world(&[]);
    world.state().down = true;
    let response = Browser::default()
        .send(&world.gate, "GET", "/auth/login", &user())
        .await;
    read(&response.unwrap_err())
}
