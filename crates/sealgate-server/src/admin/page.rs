//! Lists in slices.

use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};

/// The most rows in one answer.
pub const PAGE_LIMIT: u32 = 1000;

/// How many rows an answer holds at most, 1 to [`PAGE_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Limit(u32);

impl Default for Limit {
    fn default() -> Self {
        Self(PAGE_LIMIT)
    }
}

impl Limit {
    pub(super) const fn rows(self) -> u32 {
        self.0
    }

    /// Whether an answer of `count` rows may have left some out.
    pub(super) fn is_reached(self, count: usize) -> bool {
        u32::try_from(count).map_or(true, |count| count >= self.0)
    }

    /// The part of `rows`, which are in the order of `key`, that comes after `after`; and the key of its
    /// last row if there are more.
    pub(super) fn slice<T, K: Ord>(
        self,
        rows: Vec<T>,
        after: Option<&K>,
        key: impl Fn(&T) -> K,
    ) -> (Vec<T>, Option<K>) {
        let is_new = |row: &T| after.is_none_or(|after| key(row) > *after);
        let most = usize::try_from(self.0).unwrap_or(usize::MAX);
        let mut rest = rows.into_iter().filter(is_new);
        let page: Vec<T> = rest.by_ref().take(most).collect();
        let next = rest.next().and_then(|_| page.last()).map(&key);
        (page, next)
    }
}

impl TryFrom<u32> for Limit {
    type Error = &'static str;

    fn try_from(rows: u32) -> Result<Self, Self::Error> {
        if (1..=PAGE_LIMIT).contains(&rows) {
            Ok(Self(rows))
        } else {
            Err("limit is 1 to 1000")
        }
    }
}

impl From<Limit> for u32 {
    fn from(limit: Limit) -> Self {
        limit.0
    }
}

impl PartialSchema for Limit {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::Object::builder()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .minimum(Some(1_u32))
            .maximum(Some(PAGE_LIMIT))
            .default(Some(PAGE_LIMIT.into()))
            .description(Some("How many rows the answer holds at most."))
            .into()
    }
}

impl ToSchema for Limit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_one_another_and_the_last_says_so() {
        let limit = Limit(2);
        let slice =
            |after: Option<u8>| limit.slice(vec![1, 2, 3, 4, 5], after.as_ref(), |row| *row);
        assert_eq!(slice(None), (vec![1, 2], Some(2)));
        assert_eq!(slice(Some(2)), (vec![3, 4], Some(4)));
        assert_eq!(slice(Some(4)), (vec![5], None));
        assert_eq!(slice(Some(3)), (vec![4, 5], None));
        assert_eq!(slice(Some(9)), (vec![], None));
    }

    #[test]
    fn a_limit_is_a_number_within_bounds() {
        assert_eq!(Limit::try_from(1000), Ok(Limit::default()));
        assert!(Limit::try_from(0).is_err() && Limit::try_from(1001).is_err());
    }
}
