use proptest::prelude::*;

use super::*;

struct Fixed(u8);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn key(seed: u8) -> SealKey {
    SealKey::from_bytes(std::array::from_fn(|at| {
        seed.wrapping_add(u8::try_from(at).unwrap())
    }))
}

fn ring(seeds: &[u8]) -> KeyRing {
    KeyRing::new(seeds.iter().map(|seed| key(*seed)).collect()).unwrap()
}

const HERE: Context<'_> = Context {
    purpose: "session",
    cookie: "__Host-Http-sealgate",
    client: "expenses",
    issuer: "https://id.example",
};

#[test]
fn what_is_sealed_opens_and_says_whether_the_key_is_current() {
    let sealed = ring(&[1]).seal(&HERE, &Fixed(9), b"hello").unwrap();
    let opened = ring(&[1]).open(&HERE, &sealed).unwrap();
    assert_eq!(
        (opened.plain.as_slice(), opened.current),
        (b"hello".as_slice(), true)
    );
    let opened = ring(&[2, 1]).open(&HERE, &sealed).unwrap();
    assert_eq!(
        (opened.plain.as_slice(), opened.current),
        (b"hello".as_slice(), false)
    );
}

#[test]
fn another_context_never_opens_it() {
    let sealed = ring(&[1]).seal(&HERE, &Fixed(9), b"hello").unwrap();
    for other in [
        Context {
            purpose: "transaction",
            ..HERE
        },
        Context {
            cookie: "sealgate",
            ..HERE
        },
        Context {
            client: "payroll",
            ..HERE
        },
        Context {
            issuer: "https://id.example/",
            ..HERE
        },
        // Moving a byte from one part to the next must not give the same associated data.
        Context {
            cookie: "__Host-Http-sealgatee",
            client: "xpenses",
            ..HERE
        },
    ] {
        assert!(
            matches!(ring(&[1]).open(&other, &sealed), Err(SealError::Broken)),
            "{other:?}"
        );
    }
    assert!(matches!(
        ring(&[2]).open(&HERE, &sealed),
        Err(SealError::UnknownKey)
    ));
}

#[test]
fn every_truncation_and_every_flipped_character_is_refused() {
    let ring = ring(&[1]);
    let sealed = ring
        .seal(&HERE, &Fixed(9), b"the content of a session")
        .unwrap();
    for length in 0..sealed.len() {
        assert!(ring.open(&HERE, &sealed[..length]).is_err(), "{length}");
    }
    for at in 0..sealed.len() {
        for to in ["A", "b", "-", "."] {
            let changed = format!("{}{to}{}", &sealed[..at], &sealed[at + 1..]);
            assert!(
                changed == sealed || ring.open(&HERE, &changed).is_err(),
                "{at} {to}"
            );
        }
    }
}

#[test]
fn too_much_is_an_error_not_a_truncation() {
    let longest = vec![b'x'; 2_810];
    assert!(ring(&[1]).seal(&HERE, &Fixed(9), &longest).unwrap().len() <= SEALED_LIMIT);
    let error = ring(&[1])
        .seal(&HERE, &Fixed(9), &vec![b'x'; 2_900])
        .unwrap_err();
    assert!(matches!(
        error,
        SealError::TooLong {
            limit: SEALED_LIMIT,
            ..
        }
    ));
    let error = ring(&[1])
        .open(&HERE, &"v".repeat(SEALED_LIMIT + 1))
        .unwrap_err();
    assert!(matches!(error, SealError::TooLong { .. }));
}

#[test]
fn what_does_not_travel_in_a_cookie_has_a_limit_of_its_own() {
    let (ring, plain) = (ring(&[1]), vec![b'x'; 4_000]);
    let sealed = ring.seal_up_to(6_000, &HERE, &Fixed(9), &plain).unwrap();
    assert_eq!(
        *ring.open_up_to(6_000, &HERE, &sealed).unwrap().plain,
        plain
    );
    assert!(ring.open(&HERE, &sealed).is_err());
    assert!(ring.open_up_to(5_000, &HERE, &sealed).is_err());
    assert!(ring.seal_up_to(5_000, &HERE, &Fixed(9), &plain).is_err());
}

#[test]
fn keys_that_are_no_keys_are_refused() {
    let good = key(1).to_text();
    assert!(KeyRing::parse(good.expose()).is_ok());
    assert!(KeyRing::parse(&format!("{}, {}", good.expose(), key(2).to_text().expose())).is_ok());
    for bad in [
        "",
        ",",
        "abc",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "not/base64url+",
    ] {
        assert!(
            matches!(KeyRing::parse(bad), Err(SealError::BadKey(_))),
            "{bad}"
        );
    }
    let twice = format!("{},{}", good.expose(), good.expose());
    assert_eq!(
        KeyRing::parse(&twice).unwrap_err(),
        SealError::BadKey("one is there twice")
    );
}

#[test]
fn debug_output_shows_ids_only() {
    assert_eq!(
        format!("{:?}", key(1)),
        format!("SealKey({})", key(1).kid())
    );
    assert!(!format!("{:?}", ring(&[1])).contains(key(1).to_text().expose()));
}

proptest! {
    #[test]
    fn any_text_opens_to_an_error(text in "(v1\\.)?[A-Za-z0-9_.-]{0,200}|.{0,80}") {
        prop_assert!(ring(&[1]).open(&HERE, &text).is_err());
    }

    #[test]
    fn any_content_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..2000), nonce: u8) {
        let sealed = ring(&[3]).seal(&HERE, &Fixed(nonce), &plain).unwrap();
        prop_assert_eq!(ring(&[3]).open(&HERE, &sealed).unwrap().plain.to_vec(), plain);
    }
}
