//! The one layer around every route: what [`request`] promises, and error pages on the way out.
//!
//! It is one service, not a stack of middlewares: each of those costs every request a clone of all that
//! is below it and some allocations, which is a good part of what answering takes.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use tower::{Layer, Service};

use crate::{ControlPlane, pages, request};

/// The layer.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) plane: Arc<ControlPlane>,
    pages: bool,
}

impl Frame {
    /// Around endpoints that only programs call.
    pub(crate) fn of_programs(plane: Arc<ControlPlane>) -> Self {
        Self {
            plane,
            pages: false,
        }
    }

    /// Around endpoints where people come by, too: what is refused to them is told on a page.
    pub(crate) fn of_people(plane: Arc<ControlPlane>) -> Self {
        Self { plane, pages: true }
    }
}

impl<S> Layer<S> for Frame {
    type Service = Framed<S>;

    fn layer(&self, inner: S) -> Framed<S> {
        Framed {
            inner,
            frame: self.clone(),
        }
    }
}

/// A route inside its frame.
#[derive(Clone)]
pub(crate) struct Framed<S> {
    inner: S,
    frame: Frame,
}

impl<S> Service<Request> for Framed<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Frame { plane, pages } = self.frame.clone();
        // The one that was asked whether it is ready is the one that is called.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let plane = &*plane;
            let contained = move |request| {
                let endpoint = async move |request| match inner.call(request).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                request::contain(plane.feed.closing(), request, endpoint)
            };
            let answer = request::trace(plane, request, async move |request| {
                if pages {
                    pages::dress(plane, request, contained).await
                } else {
                    contained(request).await
                }
            });
            Ok(answer.await)
        })
    }
}
