//! Each rule of the probe has its page, as the rule says it.

use sealgate_inventory::rules::page;
use sealgate_probe::rules::RULES;

#[test]
fn each_rule_has_its_page() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/rules");
    for rule in RULES {
        // That is the command that finds it.
        let page = page(rule).replace("`sealgate routes check`", "`sealgate routes probe`");
        let file = format!("{folder}/{}.md", rule.id);
        if std::env::var_os("SEALGATE_WRITE_PAGES").is_some() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&file, &page).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(written, page, "run with SEALGATE_WRITE_PAGES=1");
    }
}
