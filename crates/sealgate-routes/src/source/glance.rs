//! A quick look at a file's bytes, without parsing them: whether it may have to do with an application, and which
//! names it imports.

use memchr::{memchr_iter, memmem};
use rustc_hash::FxHashSet;

/// Names that a module has to mention to make an application or to change one. More rather than fewer: what is
/// named here and has nothing to do with routes costs time, and what is missing costs routes.
const WORDS: &[&str] = &[
    "fastapi",
    "FastAPI",
    "starlette",
    "Starlette",
    "Router(",
    "Route(",
    "Mount(",
    "Host(",
    ".mount(",
    ".host(",
    ".frontend(",
    ".routes",
    "include_router",
    "add_api_route",
    "add_api_websocket_route",
    "add_route",
    "add_websocket_route",
    "add_middleware",
    "dependency_overrides",
    "uvicorn",
    "\napp ",
    "\napp=",
    "\napp:",
    "\napplication ",
    "\napplication=",
    "\napplication:",
    "_app(",
    "_application(",
    "sealgate",
];

/// What a decorator that makes a route, or stands before all of them, is called.
const DECORATORS: &[&str] = &[
    ".get(",
    ".post(",
    ".put(",
    ".patch(",
    ".delete(",
    ".head(",
    ".options(",
    ".trace(",
    ".route(",
    ".api_route(",
    ".websocket(",
    ".websocket_route(",
    ".middleware(",
    ".exception_handler(",
];

/// What to look for, made ready once.
pub(super) struct Eyes {
    words: Vec<memmem::Finder<'static>>,
    decorators: Vec<memmem::Finder<'static>>,
    from_dot: memmem::Finder<'static>,
    import: memmem::Finder<'static>,
}

/// What was seen in a file.
#[derive(Debug, Default)]
pub(super) struct Glance {
    /// Whether it may make or change an application.
    pub(super) candidate: bool,
    /// Whether it has relative imports, and so has to be part of a package.
    pub(super) relative: bool,
    /// The first two parts of the names that it imports: `app.auth` for `from app.auth.tokens import verify` and for
    /// `from app import auth`.
    pub(super) imports: Vec<(Box<str>, Box<str>)>,
    /// How many lines it has.
    pub(super) lines: usize,
}

impl Eyes {
    pub(super) fn new() -> Self {
        let finders = |words: &[&'static str]| {
            words
                .iter()
                .map(|word| memmem::Finder::new(*word))
                .collect()
        };
        Self {
            words: finders(WORDS),
            decorators: finders(DECORATORS),
            from_dot: memmem::Finder::new("from ."),
            import: memmem::Finder::new("import "),
        }
    }

    /// Looks at a file. Of its imports those are told whose first part is in `folders`.
    pub(super) fn glance(&self, bytes: &[u8], folders: &FxHashSet<String>) -> Glance {
        Glance {
            candidate: self.words.iter().any(|word| word.find(bytes).is_some())
                || starts_with_word(bytes)
                || self.has_decorator(bytes),
            relative: self.from_dot.find(bytes).is_some(),
            imports: self.imports(bytes, folders),
            lines: memchr_iter(b'\n', bytes).count()
                + usize::from(bytes.last().is_some_and(|byte| *byte != b'\n')),
        }
    }

    fn has_decorator(&self, bytes: &[u8]) -> bool {
        memchr_iter(b'@', bytes).any(|at| {
            let before = &bytes[..at];
            let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
            before[start..].iter().all(u8::is_ascii_whitespace) && {
                let line = &bytes[at..];
                let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
                self.decorators.iter().any(|name| name.find(line).is_some())
            }
        })
    }

    fn imports(&self, bytes: &[u8], folders: &FxHashSet<String>) -> Vec<(Box<str>, Box<str>)> {
        let mut imports = Vec::new();
        for at in self.import.find_iter(bytes) {
            let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
            let end =
                memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline);
            let Ok(line) = std::str::from_utf8(&bytes[start..end]) else {
                continue;
            };
            let line = line.trim_start();
            let (module, names) = if let Some(rest) = line.strip_prefix("from ") {
                let Some((module, names)) = rest.split_once(" import ") else {
                    continue;
                };
                (module.trim(), names)
            } else if let Some(rest) = line.strip_prefix("import ") {
                (rest, "")
            } else {
                continue;
            };
            for module in module.split(',') {
                let mut parts = words(module);
                let Some(first) = parts.next().filter(|first| folders.contains(*first)) else {
                    continue;
                };
                if let Some(second) = parts
                    .next()
                    .or_else(|| words(names.trim_start_matches('(')).next())
                {
                    imports.push((first.into(), second.into()));
                }
            }
        }
        imports.sort_unstable();
        imports.dedup();
        imports
    }
}

/// The parts of the dotted name that a text starts with.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim_start();
    let end = text
        .find(|character: char| {
            !(character.is_alphanumeric() || character == '_' || character == '.')
        })
        .unwrap_or(text.len());
    text[..end].split('.').filter(|word| !word.is_empty())
}

/// Whether the first line already makes an application.
fn starts_with_word(bytes: &[u8]) -> bool {
    [&b"app "[..], b"app=", b"app:", b"application"]
        .iter()
        .any(|word| bytes.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::{Eyes, Glance};

    fn glance(text: &str) -> Glance {
        Eyes::new().glance(
            text.as_bytes(),
            &["app", "core"].map(String::from).into_iter().collect(),
        )
    }

    #[test]
    fn whatever_may_make_or_change_an_application_is_a_candidate() {
        for text in [
            "from fastapi import FastAPI\n",
            "from .factory import make\n\napp = make()\n",
            "app = make()\n",
            "application: App = make()\n",
            "from core.routing import Paths\npaths = Paths()\n\n@paths.get('/x')\ndef read(): ...\n",
            "class Views:\n    @paths.websocket('/x')\n    async def read(self): ...\n",
            "def attach(site):\n    site.include_router(paths)\n",
            "routes = [WebSocketRoute('/ws', serve)]\n",
            "def attach(site):\n    site.mount('/files', files)\n",
            "from .site import create_app\nserver = create_app()\n",
        ] {
            assert!(glance(text).candidate, "{text}");
        }
    }

    #[test]
    fn what_has_nothing_to_do_with_applications_is_none() {
        for text in [
            "",
            "import os\n\nvalue = os.environ.get('X')\n",
            "@dataclass\nclass Point:\n    x: int\n    apple = 1\n",
            "mail = 'a@b.get('\n",
        ] {
            assert!(!glance(text).candidate, "{text}");
        }
    }

    #[test]
    fn imports_are_told_by_their_first_two_parts() {
        let seen = glance(
            "import os.path\nfrom app.auth.tokens import verify\n    from app import (models, views)\nimport core.db as db, app.x\n\
             from . import y\n",
        );
        let pairs: Vec<_> = seen.imports.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(
            pairs,
            [
                ("app", "auth"),
                ("app", "models"),
                ("app", "x"),
                ("core", "db")
            ]
        );
        assert!(seen.relative);
        assert_eq!(seen.lines, 5);
        assert!(!glance("from app import x").relative);
    }
}
