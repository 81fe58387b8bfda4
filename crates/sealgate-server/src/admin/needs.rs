//! What each operation needs, read from the description: the scope of its caller's token, and the
//! parameters it takes. What is not described needs a token too, and leads nowhere.

use http::Method;
use serde_json::Value;

use super::description;

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    method: Method,
    template: String,
    /// The scope; none: nothing is needed at all.
    pub(super) scope: Option<String>,
    /// Whether it takes a query.
    pub(super) takes_query: bool,
}

/// Every operation.
#[derive(Debug, Clone)]
pub(super) struct Operations(Vec<Operation>);

impl Operations {
    /// Reads them from the description.
    pub(super) fn described() -> Self {
        let document = description::bare();
        let mut all = Vec::new();
        for (template, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if let Ok(method) = method.to_uppercase().parse() {
                    all.push(Operation::of(method, template, operation));
                }
            }
        }
        // A path that is written out goes before one with a place for an id, as it does in the router.
        all.sort_by_key(|operation| operation.template.matches('{').count());
        Self(all)
    }

    /// The operation at a raw path below the API's base. HEAD asks what GET would answer.
    pub(super) fn at(&self, method: &Method, path: &str) -> Option<&Operation> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut at_path = self.0.iter().filter(|known| fits(&known.template, path));
        let template = &at_path.next()?.template;
        self.0
            .iter()
            .find(|known| known.method == *method && known.template == *template)
    }
}

impl Operation {
    fn of(method: Method, template: &str, described: &Value) -> Self {
        let scope = described["security"][0]["oauth2"][0].as_str();
        let parameters = described["parameters"].as_array();
        let takes_query = parameters
            .into_iter()
            .flatten()
            .any(|parameter| parameter["in"] == "query");
        Self {
            method,
            template: template.to_owned(),
            scope: scope.map(str::to_owned),
            takes_query,
        }
    }
}

fn fits(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let all = template.split('/').all(|known| {
        parts
            .next()
            .is_some_and(|part| known == part || (known.starts_with('{') && !part.is_empty()))
    });
    all && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin_scopes;

    #[test]
    fn operations_are_found_by_method_and_path() {
        let all = Operations::described();
        let scope = |method: Method, path: &str| {
            let found = all.at(&method, path)?;
            found.scope.clone()
        };
        let read = Some("sealgate:users:read".to_owned());
        let write = Some("sealgate:users:write".to_owned());
        assert_eq!(scope(Method::GET, "/users"), read);
        assert_eq!(scope(Method::HEAD, "/users"), read);
        assert_eq!(scope(Method::POST, "/users"), write);
        assert_eq!(scope(Method::GET, "/users/a"), read);
        assert_eq!(scope(Method::POST, "/users/a%2Fb/disable"), write);
        for nowhere in [
            "",
            "/",
            "/users/",
            "/users//disable",
            "/users/a/b",
            "/Users",
        ] {
            assert_eq!(all.at(&Method::GET, nowhere), None, "{nowhere}");
        }
        assert_eq!(all.at(&Method::DELETE, "/users"), None);
    }

    #[test]
    fn a_path_that_is_written_out_goes_before_one_with_an_id() {
        let all = Operations::described();
        let found = all.at(&Method::POST, "/sessions/revoke").unwrap();
        assert_eq!(found.template, "/sessions/revoke");
        assert_eq!(all.at(&Method::POST, "/sessions/01"), None);
    }

    #[test]
    fn every_operation_but_the_description_needs_a_scope_that_exists() {
        for operation in Operations::described().0 {
            match &operation.scope {
                None => assert_eq!(operation.template, "/openapi.json"),
                Some(scope) => {
                    assert!(
                        admin_scopes::names().any(|name| name == scope),
                        "{operation:?}"
                    );
                    let reads = operation.method == Method::GET;
                    assert_eq!(scope.ends_with(":read"), reads, "{operation:?}");
                }
            }
        }
    }
}
