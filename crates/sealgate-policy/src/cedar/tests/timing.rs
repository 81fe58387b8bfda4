//! What a decision costs beside bare Cedar: `cargo test -p sealgate-policy --release timing -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use cedar_policy::Authorizer;

use super::*;

const ROUNDS: u32 = 2_000;

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement needs the real clock"
)]
fn nanos(work: impl Fn()) -> u32 {
    (0..5)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..ROUNDS {
                work();
            }
            u32::try_from(begun.elapsed().as_nanos() / u128::from(ROUNDS)).unwrap()
        })
        .min()
        .unwrap_or_default()
}

#[test]
#[ignore = "it measures"]
fn a_decision_beside_bare_cedar() {
    let (u1, expense) = (
        user("u1", &["approver", "employee"]),
        expense("e1", "u2", "12.50"),
    );
    let asked = question(&u1, "expenses.approve", &expense);
    let prepared = COMPILED.prepare(&asked).unwrap();
    let slice = prepared.plan.slices[prepared.slot].as_ref().unwrap();
    let bare = nanos(|| {
        let answer = Authorizer::new().is_authorized(&prepared.request, slice, &prepared.entities);
        black_box(answer);
    });
    let whole = nanos(|| {
        black_box(COMPILED.decide(black_box(&asked)).unwrap());
    });
    let key = nanos(|| {
        black_box(black_box(&asked).key(&COMPILED));
    });
    println!("bare Cedar, all prepared {bare} ns; a decision {whole} ns; its key {key} ns");
    println!(
        "a decision is {:.2} times bare Cedar",
        f64::from(whole) / f64::from(bare)
    );
}
