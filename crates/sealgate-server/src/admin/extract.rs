//! Bodies, queries and path ids as typed input, with refusals that say what is wrong.

use std::str::FromStr;

use axum::body::HttpBody as _;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use sealgate_model::IdError;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};

use crate::problem::Problem;

/// A JSON body of the shape `T`. Unknown fields, another content type and anything past the body
/// limit are refused.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refuse(&rejection)),
        }
    }
}

/// The same where there need not be a body, or it may be `null`: then it is the default.
pub(crate) struct MaybeBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_there =
            request.headers().contains_key(CONTENT_TYPE) || !request.body().is_end_stream();
        if !is_there {
            return Ok(Self(T::default()));
        }
        let Body(body) = Body::<Option<T>>::from_request(request, state).await?;
        Ok(Self(body.unwrap_or_default()))
    }
}

fn refuse(rejection: &JsonRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the request body is too large",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_type_unsupported",
            "the body must be sent as application/json",
        ),
        _ => {
            let said = rejection.body_text();
            // Well formed (RFC 8259, 6), and yet no number that is kept here.
            if said.contains("number out of range") {
                Problem::unprocessable("body_malformed", said)
            } else {
                Problem::bad_request("body_malformed", said)
            }
        }
    }
}

/// A member of a change: where it is absent nothing changes, and where it is there it is not `null`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A query of the shape `T`.
pub(crate) struct Ask<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Ask<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Problem::bad_request(
                "query_malformed",
                rejection.body_text(),
            )),
        }
    }
}

/// The id in the path.
pub(crate) struct Id<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr<Err = IdError> + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::bad_request("id_malformed", rejection.body_text()))?;
        id(&text).map(Self)
    }
}

/// The two ids in the path, one below the other.
pub(crate) struct Ids<T, U>(pub(crate) T, pub(crate) U);

impl<S, T, U> FromRequestParts<S> for Ids<T, U>
where
    S: Send + Sync,
    T: FromStr<Err = IdError> + Send,
    U: FromStr<Err = IdError> + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((first, second)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::bad_request("id_malformed", rejection.body_text()))?;
        Ok(Self(id(&first)?, id(&second)?))
    }
}

fn id<T: FromStr<Err = IdError>>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: IdError| Problem::bad_request("id_malformed", error.to_string()))
}
