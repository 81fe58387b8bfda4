//! The rules about what two looks at one application must agree on.

use crate::{Rule, Severity};

/// All rules of this kind.
pub static RULES: [&Rule; 3] = [&GATE_DIFFERS, &ONLY_AT_RUN_TIME, &ONLY_IN_SOURCE];

/// A gate that only one look saw.
pub static GATE_DIFFERS: Rule = Rule {
    id: "gate-differs",
    severity: Severity::Error,
    title: "The source and the running application disagree about a gate",
    explanation: "The source has a gate before the route, and the application that was started does not, or the other \
way round. What runs is what an attacker meets. A gate that is only in the source is likely put there under a \
condition, replaced by `app.dependency_overrides`, or taken away by code that changes the router later. It is an error \
where nothing else stands before the route, a warning where another gate does, and a note where only the scan is \
behind.",
    broken: "# file: main.py\nfrom fastapi import Depends, FastAPI\n\nfrom auth import current_user, nobody\n\napp = FastAPI()\n\
app.dependency_overrides[current_user] = nobody\n\n\n@app.get(\"/orders\", dependencies=[Depends(current_user)])\n\
def orders() -> list[str]:\n    return [\"one\"]\n",
    fixed: "# file: main.py\nfrom fastapi import Depends, FastAPI\n\nfrom auth import current_user\n\napp = FastAPI()\n\n\n\
@app.get(\"/orders\", dependencies=[Depends(current_user)])\ndef orders() -> list[str]:\n    return [\"one\"]\n",
};

/// A route that only runs.
pub static ONLY_AT_RUN_TIME: Rule = Rule {
    id: "only-at-run-time",
    severity: Severity::Warning,
    title: "A route runs that the source does not show",
    explanation: "The running application has a route that reading its source did not find: an installed package adds \
it, or code that makes routes from data. Nobody reviews such a route by reading. It is a warning where no gate stands \
before it and a note where one does. Hold the running application to the lock file: \
`sealgate routes check --lens inspect --target main:app`.",
    broken: "# file: main.py\nfrom importlib.metadata import entry_points\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\
for plugin in entry_points(group=\"shop.plugins\"):\n    app.include_router(plugin.load())\n",
    fixed: "# file: main.py\nfrom fastapi import Depends, FastAPI\n\nfrom auth import current_user\nfrom shop_reports import router\n\n\
app = FastAPI()\napp.include_router(router, dependencies=[Depends(current_user)])\n",
};

/// A route that only is in the source.
pub static ONLY_IN_SOURCE: Rule = Rule {
    id: "only-in-source",
    severity: Severity::Note,
    title: "The source shows a route that does not run",
    explanation: "Reading the source found a route that the application does not have as it was started here. It is \
likely added under a condition: for development, or when a setting asks for it. It may well run elsewhere, so it is \
part of the lock file all the same.",
    broken: "# file: main.py\nimport os\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\nif os.environ.get(\"DEBUG\"):\n\n    \
@app.get(\"/debug/env\")\n    def env() -> dict[str, str]:\n        return dict(os.environ)\n",
    fixed: "# file: main.py\nfrom fastapi import FastAPI\n\napp = FastAPI()\n",
};

#[cfg(test)]
mod tests {
    use super::RULES;
    use crate::rules::page;

    #[test]
    fn each_rule_has_its_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/rules");
        for rule in RULES {
            let file = format!("{folder}/{}.md", rule.id);
            if std::env::var_os("SEALGATE_WRITE_PAGES").is_some() {
                std::fs::create_dir_all(folder).unwrap();
                std::fs::write(&file, page(rule)).unwrap();
            }
            let written = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(written, page(rule), "run with SEALGATE_WRITE_PAGES=1");
        }
    }
}
