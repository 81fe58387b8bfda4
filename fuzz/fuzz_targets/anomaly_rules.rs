//! Rules of anomalies as text: they are read or refused, and an engine goes by whatever was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_audit::anomaly::{Engine, Event, Fact, Source, read};
use sealgate_model::Timestamp;

fuzz_target!(|text: &str| {
    let Ok(rules) = read(text) else {
        return;
    };
    let mut engine = Engine::new(&rules);
    for number in 1..64_i64 {
        let network = format!("10.0.{}.0/24", number % 7);
        let at = Timestamp::from_seconds(number * 13);
        let event = Event::new(Source::Acts, at, number)
            .with(Fact::Action, "session.renew")
            .with(Fact::Outcome, "allowed")
            .with(Fact::Session, "a")
            .with(Fact::User, "a")
            .with(Fact::Network, &network);
        engine.judge(&event);
    }
    let again = Engine::remembering(&rules, &engine.memory());
    assert_eq!(again.entries(), engine.entries());
});
