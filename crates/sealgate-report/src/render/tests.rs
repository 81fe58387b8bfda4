//! What people read, as snapshots, and that nothing in it is markup of somebody else's.

use super::*;
use crate::facts::Seen;
use crate::{Facts, Report, samples};

#[test]
fn a_good_installation_in_markdown() {
    insta::assert_snapshot!(markdown(&Report::of(samples::good())));
}

#[test]
fn a_bad_installation_in_markdown() {
    insta::assert_snapshot!(markdown(&Report::of(samples::bad())));
}

#[test]
fn without_measurements_nothing_is_claimed() {
    let report = Report::of(samples::nothing());
    assert_eq!((report.summary.shown, report.summary.partly_shown), (0, 0));
    assert_eq!(report.summary.not_met, 0);
    assert!(report.boundary.iter().all(|line| line.owner.is_none()));
    insta::assert_snapshot!(markdown(&report));
}

#[test]
fn a_page_needs_nothing_and_escapes_everything() {
    let mut facts = samples::good();
    if let Seen::Measured { value, .. } = &mut facts.machines {
        value[0].owner = "<script>alert(1)</script>".to_owned();
        value[0].environment = "\"><img src=x>".to_owned();
    }
    let page = html(&Report::of(facts)).unwrap();
    assert!(!page.contains("<script"));
    assert!(!page.contains("<img"));
    assert!(page.contains("script&"), "the text itself is there");
    for outside in ["src=", "href=", "url(", "@import", "http-equiv=\"refresh\""] {
        let found = page.match_indices(outside).count();
        let in_text = page.matches("src=x").count();
        assert_eq!(
            found,
            if outside == "src=" { in_text } else { 0 },
            "{outside}"
        );
    }
    insta::assert_snapshot!(page);
}

#[test]
fn the_document_holds_the_facts_it_was_made_of() {
    let facts = samples::bad();
    let text = json(&Report::of(facts.clone())).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["schema"], "sealgate-report/1");
    let read: Facts = serde_json::from_value(document["facts"].clone()).unwrap();
    assert_eq!(read, facts);
    let again = json(&Report::of(read)).unwrap();
    assert_eq!(again, text, "the same facts are the same report");
}
