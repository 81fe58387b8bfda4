//! What a gate asks for less than it did, in words.

use std::collections::BTreeSet;

use crate::Strength;
use crate::lock::requirement::{actor_name, level_name};

/// What is asked for less, each in words without a full stop. Empty: whoever passes now passed before, as far
/// as strengths tell.
pub fn weaker(before: &Strength, now: &Strength) -> Vec<String> {
    let mut less = Vec::new();
    if now.level < before.level {
        let (from, to) = (level_name(before.level), level_name(now.level));
        less.push(format!("the level fell from `{from}` to `{to}`"));
    }
    if !before.actors.is_empty() && !now.lets_in_nobody() {
        if now.actors.is_empty() {
            let only: Vec<&str> = before.actors.iter().copied().map(actor_name).collect();
            less.push(format!(
                "every kind of actor may pass, and only `{}` did",
                only.join("`, `")
            ));
        }
        for actor in now.actors.difference(&before.actors) {
            less.push(format!("the actor `{}` may pass too", actor_name(*actor)));
        }
    }
    for (kind, before, held) in [
        ("scope", &before.scopes, &now.scopes),
        ("role", &before.roles, &now.roles),
    ] {
        for word in before.difference(held) {
            let alone = format!("{kind}:{word}");
            if !now.any_of.contains(&alone) {
                less.push(format!("the {kind} `{word}` is not asked for"));
            }
        }
    }
    for group in &before.any_of {
        if !asks_one_of(now, group) {
            less.push(format!("one of `{group}` is not asked for"));
        }
    }
    for more in before.more.difference(&now.more) {
        less.push(format!("`{more}` is not asked for"));
    }
    less
}

/// Whether one of a group has to be there, because of another group within it or because it is asked for alone.
fn asks_one_of(strength: &Strength, group: &str) -> bool {
    let alternatives: BTreeSet<&str> = group.split('|').collect();
    let within = |other: &String| other.split('|').all(|one| alternatives.contains(one));
    let alone = |kind: &str, words: &BTreeSet<String>| {
        let mut words = words.iter();
        words.any(|word| alternatives.contains(format!("{kind}:{word}").as_str()))
    };
    strength.any_of.iter().any(within)
        || alone("scope", &strength.scopes)
        || alone("role", &strength.roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::requirement::parse;

    fn less(before: &str, now: &str) -> String {
        weaker(&parse(before).unwrap(), &parse(now).unwrap()).join("; ")
    }

    #[test]
    fn what_is_the_same_or_more_is_not_weaker() {
        assert_eq!(less("user", "user"), "");
        assert_eq!(less("user", "privileged actors=user roles=admin"), "");
        assert_eq!(less("user actors=user,machine", "user actors=user"), "");
        assert_eq!(
            less("user any_of=scope:a|scope:b", "user any_of=scope:a"),
            ""
        );
        assert_eq!(less("user any_of=role:a|scope:b", "user scopes=b"), "");
        assert_eq!(less("user scopes=a", "user any_of=scope:a"), "");
    }

    #[test]
    fn what_is_less_is_said_in_words() {
        let text = [
            less("privileged roles=admin", "user"),
            less("user actors=user", "user"),
            less("user actors=user", "user actors=user,machine,agent"),
            less("user scopes=a,b", "user scopes=b"),
            less(
                "user any_of=scope:a|scope:b",
                "user any_of=scope:a|scope:b|scope:c",
            ),
            less("user scopes=a", "user any_of=scope:a|scope:b"),
            less("user more=acr=mfa,max_age=300", "user more=max_age=300"),
            less("privileged more=action=expenses.read", "user"),
        ];
        insta::assert_snapshot!(text.join("\n"));
    }
}
