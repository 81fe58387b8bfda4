use crate::gates::paths::{Holds, Template};
use crate::gates::status;

#[test]
fn a_fixed_path_is_what_it_is() {
    let path = Template::new("/items/health");
    assert_eq!(path.equals("/items/health"), Holds::Yes);
    assert_eq!(path.equals("/items"), Holds::No);
    assert_eq!(path.starts_with("/items"), Holds::Yes);
    assert_eq!(path.ends_with("health"), Holds::Yes);
    assert_eq!(path.ends_with("ready"), Holds::No);
    assert_eq!(path.contains("ems/h"), Holds::Yes);
}

#[test]
fn a_parameter_may_be_anything() {
    let path = Template::new("/variables/name/{name}");
    assert_eq!(path.ends_with("health"), Holds::Perhaps);
    assert_eq!(path.starts_with("/variables"), Holds::Yes);
    assert_eq!(path.starts_with("/public"), Holds::No);
    assert_eq!(path.equals("/variables/name/x"), Holds::Perhaps);
    assert_eq!(path.equals("/other"), Holds::No);
    assert_eq!(path.contains("health"), Holds::Perhaps);
    assert_eq!(
        Template::new("<prefix>/users").starts_with("/api"),
        Holds::Perhaps
    );
    assert_eq!(
        Template::new("/users/{id}/files").ends_with("/{id}/files"),
        Holds::Perhaps
    );
    assert_eq!(
        Template::new("/users/{id}/files").ends_with("images"),
        Holds::No
    );
}

proptest::proptest! {
    #[test]
    fn what_surely_holds_holds_for_every_parameter(
        before in "/[a-c/]{0,6}", after in "[a-c/]{0,6}", value in "[a-c]{1,4}", other in "[a-c/]{0,6}",
    ) {
        let template = Template::new(&format!("{before}{{x}}{after}"));
        let path = format!("{before}{value}{after}");
        for (judged, truth) in [
            (template.equals(&other), path == other),
            (template.starts_with(&other), path.starts_with(&other)),
            (template.ends_with(&other), path.ends_with(&other)),
            (template.contains(&other), path.contains(&other)),
        ] {
            proptest::prop_assert!(judged == Holds::Perhaps || (judged == Holds::Yes) == truth);
        }
    }
}

#[test]
fn statuses_are_read_from_names() {
    assert_eq!(
        status::named("starlette.status.HTTP_401_UNAUTHORIZED"),
        Some(401)
    );
    assert_eq!(
        status::named("fastapi.status.WS_1008_POLICY_VIOLATION"),
        Some(1008)
    );
    assert_eq!(status::named("http.HTTPStatus.FORBIDDEN"), Some(403));
    assert_eq!(status::named("http.HTTPStatus.FORBIDDEN.value"), Some(403));
    assert_eq!(status::named("settings.code"), None);
    assert_eq!(status::denies(404), None);
    assert_eq!(status::denies(4401), Some(1008));
}
