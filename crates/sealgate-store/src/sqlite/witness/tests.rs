//! What is written is read again, and nothing else is believed.

use proptest::prelude::*;

use super::*;

fn mark(seq: u64) -> HistoryMark {
    HistoryMark {
        history: "0123456789abcdef".to_owned(),
        seq,
    }
}

#[test]
fn the_last_word_is_written_before_the_store_is_gone_and_only_its_owner_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read(dir.path()), None);
    let witness = Witness::start(dir.path(), mark(1)).unwrap();
    let noted = witness.noted();
    for seq in 2..1_000 {
        noted.reach(seq);
    }
    drop(witness);
    assert_eq!(read(dir.path()), Some(mark(999)));
    let mode = fs::metadata(dir.path().join(NAME)).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);

    let witness = Witness::start(dir.path(), mark(999)).unwrap();
    witness.noted().begin("another".to_owned(), 3);
    drop(witness);
    assert_eq!(read(dir.path()).unwrap().history, "another");
    let left = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 1);
}

#[test]
fn where_nothing_can_be_written_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    drop(Witness::start(&gone, mark(1)).unwrap());
    assert_eq!(read(&gone), None);
}

#[test]
fn what_is_not_a_witness_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for text in [
        "",
        "\n",
        "abc 1",
        "abc\n",
        "abc  1\n",
        " 1\n",
        "abc -1\n",
        "abc +1\n",
        "abc 1 \n",
        "a/b 1\n",
        "abc 1\nabc 2\n",
        "abc 99999999999999999999\n",
    ] {
        fs::write(dir.path().join(NAME), text).unwrap();
        assert_eq!(read(dir.path()), None, "{text:?}");
    }
    fs::write(dir.path().join(NAME), [0xff, b' ', b'1', b'\n']).unwrap();
    assert_eq!(read(dir.path()), None);
    fs::write(dir.path().join(NAME), format!("{} 1\n", "a".repeat(300))).unwrap();
    assert_eq!(read(dir.path()), None);
}

proptest! {
    #[test]
    fn whatever_stands_there_is_read_without_harm(text in ".{0,300}") {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_written_is_read(history in "[a-z0-9]{1,64}", seq in 0..=u64::MAX) {
        let mark = HistoryMark { history, seq };
        prop_assert_eq!(parse(&format!("{} {}\n", mark.history, mark.seq)), Some(mark));
    }
}
