//! Routers that libraries make, and the routes that they are known to have.

use crate::evaluate::value::Made;

/// The methods and paths of a router that a library made, as its documentation has them.
///
/// What stands before them is not in the source, so that they are unresolved all the same.
pub(crate) fn routes_of(made: &Made<'_>) -> &'static [(&'static str, &'static str)] {
    let callee = &*made.callee;
    if !callee.starts_with("fastapi_users") {
        return &[];
    }
    match callee.rsplit('.').next().unwrap_or_default() {
        "get_auth_router" => &[("POST", "/login"), ("POST", "/logout")],
        "get_register_router" => &[("POST", "/register")],
        "get_reset_password_router" => &[("POST", "/forgot-password"), ("POST", "/reset-password")],
        "get_verify_router" => &[("POST", "/request-verify-token"), ("POST", "/verify")],
        "get_users_router" => &[
            ("GET", "/me"),
            ("PATCH", "/me"),
            ("GET", "/{id}"),
            ("PATCH", "/{id}"),
            ("DELETE", "/{id}"),
        ],
        "get_oauth_router" | "get_oauth_associate_router" => {
            &[("GET", "/authorize"), ("GET", "/callback")]
        }
        _ => &[],
    }
}
