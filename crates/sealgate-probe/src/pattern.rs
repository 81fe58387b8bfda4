//! Which routes something is about, as people write it: `GET /health`, `/health`, `/admin/*`.

/// Which routes something is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    method: Option<String>,
    path: String,
}

impl Pattern {
    /// `GET /health`, or a path for every method, or a path with `/*` at the end for all below it.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        match text.split_once(char::is_whitespace) {
            Some((method, path)) => Self {
                method: Some(method.to_ascii_uppercase()),
                path: path.trim().to_owned(),
            },
            None => Self {
                method: None,
                path: text.to_owned(),
            },
        }
    }

    /// Whether a route with this method and path template is meant.
    pub fn matches(&self, method: &str, path: &str) -> bool {
        if self.method.as_deref().is_some_and(|own| own != method) {
            return false;
        }
        match self.path.strip_suffix("/*") {
            Some(above) => path
                .strip_prefix(above)
                .is_some_and(|below| below.is_empty() || below.starts_with('/')),
            None => self.path == path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_a_route_or_all_below_a_path() {
        assert!(Pattern::new("get /health").matches("GET", "/health"));
        assert!(!Pattern::new("GET /health").matches("POST", "/health"));
        assert!(Pattern::new("/admin/*").matches("PUT", "/admin/users/{id}"));
        assert!(!Pattern::new("/admin/*").matches("PUT", "/administrators"));
        assert!(Pattern::new("/*").matches("GET", "/"));
    }
}
