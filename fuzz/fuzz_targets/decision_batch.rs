//! A batch of decisions that a gate brings: refused, or all of it can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_audit::decision::{Batch, Draft, Index};

fuzz_target!(|bytes: &[u8]| {
    let Ok(batch) = Batch::read(bytes) else {
        return;
    };
    let lengths = batch.lengths();
    let index = Index::of(&batch);
    let mut draft = Draft::new();
    let mut whole = true;
    for record in batch.records() {
        assert!(record.at >= lengths.first && record.last <= lengths.last);
        assert!(record.actor.is_none_or(|actor| index.may_hold_actor(actor)));
        whole &= draft.add(&record).is_ok();
    }
    for left in batch.left_out() {
        whole &= draft.leave_out(left).is_ok();
    }
    draft.lose(batch.lost());
    if !whole {
        return;
    }
    // What was read can be written, and says the same.
    let (stream, gate) = (batch.stream(), batch.gate());
    let written = draft.encode(stream, batch.instance(), batch.sequence(), gate, batch.made_at());
    let again = Batch::read(&written).expect("a draft makes a batch");
    assert!(again.records().eq(batch.records()));
    assert_eq!(again.left_out(), batch.left_out());
    assert_eq!(again.lengths(), lengths);
});
