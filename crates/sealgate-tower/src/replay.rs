//! Bodies of requests: what the gate had to read of one goes on to the application, and the rest behind it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// How long a body that the gate reads may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a request, whole whatever the gate has read of it.
#[derive(Debug)]
pub struct Replay<B> {
    read: Option<Bytes>,
    rest: B,
}

impl<B> Replay<B> {
    /// A body that the gate has not touched.
    pub(crate) const fn untouched(body: B) -> Self {
        Self {
            read: None,
            rest: body,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Replay<B> {
    /// Reads up to one byte more than `limit`, and no longer than ten seconds; what was read, or nothing if it
    /// did not arrive. The body still begins with it.
    pub(crate) async fn read(&mut self, limit: usize) -> Vec<u8> {
        let mut read = Vec::new();
        let arrived = tokio::time::timeout(PATIENCE, async {
            while read.len() <= limit {
                match poll_fn(|context| Pin::new(&mut self.rest).poll_frame(context)).await {
                    None => return true,
                    Some(Err(_)) => return false,
                    // Trailers come last, and say nothing here.
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => read.extend_from_slice(&data),
                        Err(_) => return true,
                    },
                }
            }
            true
        });
        let arrived = arrived.await.unwrap_or(false);
        let told = if arrived {
            read[..read.len().min(limit + 1)].to_vec()
        } else {
            Vec::new()
        };
        self.read = Some(Bytes::from(read)).filter(|read| !read.is_empty());
        told
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Replay<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.read.take() {
            Some(read) => Poll::Ready(Some(Ok(Frame::data(read)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.as_ref().map_or(0, Bytes::len) as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_gate_reads_the_application_gets_it_all(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..8),
            limit in 0..60_usize,
        ) {
            let whole = pieces.concat();
            let frames = pieces.into_iter().map(|piece| Ok::<_, ()>(Frame::data(Bytes::from(piece))));
            let mut body = Replay::untouched(StreamBody::new(futures_util::stream::iter(frames)));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let told = runtime.block_on(body.read(limit));
            prop_assert_eq!(&told[..], &whole[..whole.len().min(limit + 1)]);
            let got = runtime.block_on(body.collect()).unwrap().to_bytes();
            prop_assert_eq!(&got[..], &whole[..]);
        }
    }
}
