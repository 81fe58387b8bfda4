//! Anomalies as people read them.

use sealgate_server::admin::{AnomalyRuleView, AnomalyView};

use crate::output::{self, Text, date, second};
use crate::screen::clean;

pub(super) fn listed(all: &[AnomalyView]) -> Text {
    let rows: Vec<[String; 7]> = all
        .iter()
        .map(|one| {
            [
                one.id.to_string(),
                one.severity.clone(),
                one.state.as_str().to_owned(),
                one.rule.clone(),
                one.subject.clone(),
                second(one.last_at),
                one.count.to_string(),
            ]
        })
        .collect();
    output::table(
        [
            "NUMBER",
            "SEVERITY",
            "STATE",
            "RULE",
            "ABOUT",
            "LAST FOUND",
            "COUNT",
        ],
        &rows,
        "There are no such anomalies.",
    )
}

pub(super) fn shown(one: &AnomalyView) -> Text {
    let numbers: Vec<String> = one.evidence.iter().map(i64::to_string).collect();
    let seen = match (&one.acknowledged_at, &one.acknowledged_by) {
        (Some(at), Some(by)) => format!("{} by {by}", date(*at)),
        _ => String::new(),
    };
    let records = if numbers.is_empty() {
        String::new()
    } else {
        format!("{} of {}", numbers.join(" "), one.source)
    };
    output::fields(&[
        ("Number", one.id.to_string()),
        ("What", one.title.clone()),
        ("Rule", one.rule.clone()),
        ("Severity", one.severity.clone()),
        ("State", one.state.as_str().to_owned()),
        ("About", one.subject.clone()),
        ("Found", one.detail.clone()),
        ("Since", second(one.since)),
        ("Last found", second(one.last_at)),
        ("Count", one.count.to_string()),
        ("Records", records),
        ("What to do", one.advice.clone()),
        ("Asked for by", one.references.join(", ")),
        ("Seen to", seen),
        ("Because", one.acknowledged_for.clone().unwrap_or_default()),
        ("Over", one.resolved_at.map(second).unwrap_or_default()),
    ])
}

pub(super) fn acknowledged(one: &AnomalyView) -> Text {
    Text {
        data: format!(
            "Anomaly {} ({}) is acknowledged.\n",
            one.id,
            clean(&one.rule)
        ),
        ..Text::default()
    }
}

pub(super) fn rules(rules: &[AnomalyRuleView]) -> Text {
    let rows: Vec<[String; 6]> = rules
        .iter()
        .map(|rule| {
            let off = rule.off.as_ref().map(|why| format!("off: {why}"));
            [
                rule.id.clone(),
                rule.severity.clone(),
                rule.source.clone(),
                rule.threshold.to_string(),
                rule.window.clone().unwrap_or_default(),
                off.unwrap_or_else(|| rule.title.clone()),
            ]
        })
        .collect();
    output::table(
        [
            "RULE",
            "SEVERITY",
            "LOOKS AT",
            "THRESHOLD",
            "WINDOW",
            "WHAT IT FINDS",
        ],
        &rows,
        "There are no rules.",
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;
    use sealgate_server::admin::AnomalyStateView;

    use super::*;

    fn anomaly() -> AnomalyView {
        let at = Timestamp::from_millis(1_795_338_305_123);
        AnomalyView {
            id: 7,
            rule: "password_spraying".to_owned(),
            title: "One network tried passwords on several accounts".to_owned(),
            severity: "high".to_owned(),
            state: AnomalyStateView::Acknowledged,
            subject: "network=192.0.2.0/24".to_owned(),
            detail: "5 different values of user within 30m: a, b, c, d, e".to_owned(),
            since: at,
            last_at: at,
            count: 9,
            source: "acts".to_owned(),
            evidence: vec![3, 5, 8],
            advice: "See which accounts.".to_owned(),
            references: vec!["ASVS 5.0 6.3.1".to_owned()],
            acknowledged_at: Some(at),
            acknowledged_by: Some("operator".to_owned()),
            acknowledged_for: Some("a drill".to_owned()),
            resolved_at: None,
        }
    }

    #[test]
    fn anomalies_are_listed_and_shown_with_what_to_do() {
        insta::assert_snapshot!(listed(&[anomaly()]).data);
        insta::assert_snapshot!(shown(&anomaly()).data);
        insta::assert_snapshot!(acknowledged(&anomaly()).data, @"Anomaly 7 (password_spraying) is acknowledged.");
        insta::assert_snapshot!(listed(&[]).talk, @"There are no such anomalies.");
    }

    #[test]
    fn rules_are_listed_with_why_one_is_off() {
        let rule = AnomalyRuleView {
            id: "machine_unused".to_owned(),
            title: "A service account is not used".to_owned(),
            severity: "low".to_owned(),
            source: "state".to_owned(),
            counts: "machine_unused_days, at least".to_owned(),
            threshold: 90,
            window: None,
            suppress: None,
            group_by: vec!["client".to_owned()],
            advice: "Ask its owner.".to_owned(),
            references: Vec::new(),
            off: Some("there are none".to_owned()),
        };
        insta::assert_snapshot!(rules(&[rule]).data, @r"
        RULE            SEVERITY  LOOKS AT  THRESHOLD  WINDOW  WHAT IT FINDS
        machine_unused  low       state     90         -       off: there are none
        ");
    }
}
