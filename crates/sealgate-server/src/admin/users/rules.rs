//! What an account's address, name, roles and password must be.

use sealgate_model::Secret;

use crate::problem::Problem;
use crate::sign_in::{address, passwords};
use crate::{ControlPlane, admin_scopes};

pub(super) fn email(text: &str) -> Result<String, Problem> {
    let malformed = || Problem::unprocessable("email_malformed", "this is not an e-mail address");
    Some(text)
        .filter(|text| text.len() <= 254)
        .and_then(address::email)
        .map(str::to_owned)
        .ok_or_else(malformed)
}

/// A name, which may be left for its owner to give.
pub(super) fn name(text: &str) -> Result<String, Problem> {
    let malformed = || {
        Problem::unprocessable(
            "name_malformed",
            "a name has at most 200 bytes and no control or hidden characters",
        )
    };
    if text.trim().is_empty() && text.len() <= 200 {
        return Ok(String::new());
    }
    address::name(text).map(str::to_owned).ok_or_else(malformed)
}

/// Roles, sorted and each once.
pub(super) fn roles(mut roles: Vec<String>) -> Result<Vec<String>, Problem> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let sound = roles.len() <= 32
        && roles
            .iter()
            .all(|role| (1..=64).contains(&role.len()) && role.bytes().all(allowed));
    if !sound {
        return Err(Problem::unprocessable(
            "role_malformed",
            "a role is 1 to 64 of A-Z a-z 0-9 - _ . : and there are at most 32",
        ));
    }
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

/// Refuses a role that is not declared where any is. What an account has it keeps, and administrators need no
/// declaration.
pub(super) async fn declared(
    plane: &ControlPlane,
    given: &[String],
    had: &[String],
) -> Result<(), Problem> {
    let new = |role: &&String| !had.contains(role) && *role != admin_scopes::ROLE;
    let mut new = given.iter().filter(new).peekable();
    if new.peek().is_none() {
        return Ok(());
    }
    let known = plane.store.declared_roles().await?;
    let unknown = new.find(|role| !known.iter().any(|word| word.name == **role));
    match unknown {
        Some(unknown) if !known.is_empty() => Err(Problem::unprocessable(
            "role_unknown",
            format!("{unknown} is none of the roles that are declared"),
        )),
        _ => Ok(()),
    }
}

pub(super) fn password(password: &Secret, email: &str) -> Result<(), Problem> {
    passwords::check_rules(password, email)
        .map_err(|problem| Problem::unprocessable("password_refused", problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_sent_to_is_refused_and_a_name_may_be_missing() {
        assert_eq!(email("a@").unwrap_err().reason(), "email_malformed");
        assert_eq!(email(" ada@example.com ").unwrap(), "ada@example.com");
        assert_eq!(name(" ").unwrap(), "");
        assert_eq!(name("a\u{1b}[2J").unwrap_err().reason(), "name_malformed");
        assert_eq!(
            name(&" ".repeat(201)).unwrap_err().reason(),
            "name_malformed"
        );
    }

    #[test]
    fn roles_are_sorted_and_each_once() {
        let given = ["b", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(roles(given).unwrap(), ["a", "b"]);
        for wrong in ["", "a b", "ü"] {
            assert!(roles(vec![wrong.to_owned()]).is_err(), "{wrong:?}");
        }
        assert!(roles((0..33).map(|n| n.to_string()).collect()).is_err());
    }
}
