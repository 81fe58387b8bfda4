//! What is remembered of documents stays within its bound.

use proptest::prelude::*;

use super::documents::DOCUMENTS;
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn there_are_never_more_documents_than_its_bound(
        paths in proptest::collection::vec("[a-z]{3}[0-9]{1,3}", DOCUMENTS..2 * DOCUMENTS)
    ) {
        let own = OwnClients::new();
        for path in paths {
            let id: ClientId = format!("https://a.example/{path}").parse().unwrap();
            own.note(&id);
            prop_assert!(own.count() <= DOCUMENTS);
        }
    }
}
