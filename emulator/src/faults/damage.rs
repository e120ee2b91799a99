//! Bodies that are cut, slowed down or changed on their way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::fault::Damage;
use crate::message::{Body, BodyError};
use crate::wire::Line;

/// How many pieces a throttled body is sent in per second, as long as a piece is no less than a byte.
const PIECES_PER_SECOND: u64 = 20;

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the client.
    Up,
    /// To the client.
    Down,
}

/// A body with a fault.
#[derive(Debug)]
pub(super) struct Damaged {
    body: Body,
    damage: Damage,
    way: Way,
    line: Arc<Line>,
    /// How many bytes have passed.
    passed: u64,
    /// What has come and may not pass yet.
    held: Bytes,
    /// When the next bytes may pass.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Damaged {
    pub(super) fn new(body: Body, damage: Damage, way: Way, line: Arc<Line>) -> Self {
        Self {
            body,
            damage,
            way,
            line,
            passed: 0,
            held: Bytes::new(),
            timer: None,
        }
    }

    /// What is held back, or else the next bytes that come; `None` at the end.
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if !self.held.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.held))));
        }
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                // Trailers mean nothing to anybody here.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    /// Nothing more passes.
    fn cut(&self) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self.way {
            Way::Up => {
                self.line.reset();
                Poll::Ready(Some(Err(BodyError::Cut)))
            }
            // The line closes as soon as everything before has gone out. An error would be faster than that.
            Way::Down => {
                self.line.close_when_flushed();
                Poll::Pending
            }
        }
    }

    fn poll_cut(
        &mut self,
        context: &mut Context<'_>,
        after: u64,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut bytes = match ready!(self.poll_bytes(context)) {
            Some(Ok(bytes)) => bytes,
            other => return Poll::Ready(other),
        };
        let left = after - self.passed;
        if left == 0 {
            // Held, so that the next look, if there is one, sees the same.
            self.held = bytes;
            return self.cut();
        }
        if bytes.len() as u64 > left {
            self.held = bytes.split_off(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.passed += bytes.len() as u64;
        Poll::Ready(Some(Ok(bytes)))
    }

    fn poll_throttled(
        &mut self,
        context: &mut Context<'_>,
        rate: u64,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(context));
        }
        let mut bytes = match ready!(self.poll_bytes(context)) {
            Some(Ok(bytes)) => bytes,
            other => return Poll::Ready(other),
        };
        let piece = usize::try_from((rate / PIECES_PER_SECOND).max(1)).unwrap_or(usize::MAX);
        if bytes.len() > piece {
            self.held = bytes.split_off(piece);
        }
        let nanoseconds = bytes.len() as u128 * 1_000_000_000 / u128::from(rate);
        let pause = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let end = Instant::now() + pause;
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(end),
            None => self.timer = Some(Box::pin(sleep_until(end))),
        }
        Poll::Ready(Some(Ok(bytes)))
    }

    fn poll_flipped(
        &mut self,
        context: &mut Context<'_>,
        index: u64,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let bytes = match ready!(self.poll_bytes(context)) {
            Some(Ok(bytes)) => bytes,
            other => return Poll::Ready(other),
        };
        let within = index
            .checked_sub(self.passed)
            .and_then(|within| usize::try_from(within).ok())
            .filter(|within| *within < bytes.len());
        self.passed += bytes.len() as u64;
        let Some(within) = within else {
            return Poll::Ready(Some(Ok(bytes)));
        };
        // The bytes may be the store's own.
        let mut changed = BytesMut::from(bytes);
        changed[within] = !changed[within];
        Poll::Ready(Some(Ok(changed.freeze())))
    }
}

impl http_body::Body for Damaged {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = match self.damage {
            Damage::CutAfter(bytes) => self.poll_cut(context, bytes),
            Damage::BytesPerSecond(rate) => self.poll_throttled(context, rate),
            Damage::FlipByte(index) => self.poll_flipped(context, index),
        };
        polled.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.body.length().map_or_else(SizeHint::default, |length| {
            SizeHint::with_exact(length + self.held.len() as u64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damaged(damage: Damage, way: Way) -> (Body, Arc<Line>) {
        let line = Arc::new(Line::new());
        let chunks = ["0123", "4567", "89"].map(|text| Bytes::from_static(text.as_bytes()));
        let body = Damaged::new(Body::Chunks(chunks.into()), damage, way, Arc::clone(&line));
        (Body::stream(body), line)
    }

    #[tokio::test]
    async fn an_upload_breaks_off_at_the_byte_and_resets_the_line() {
        let (mut body, line) = damaged(Damage::CutAfter(6), Way::Up);
        assert_eq!(body.next().await.expect("bytes").expect("whole"), "0123");
        assert_eq!(body.next().await.expect("bytes").expect("whole"), "45");
        assert!(!line.is_reset());
        assert!(matches!(body.next().await, Some(Err(BodyError::Cut))));
        assert!(line.is_reset());
    }

    #[tokio::test]
    async fn a_body_that_is_no_longer_than_the_cut_passes_whole() {
        let (body, line) = damaged(Damage::CutAfter(10), Way::Up);
        assert_eq!(body.collect(100).await.expect("whole"), "0123456789");
        assert!(!line.is_reset());
    }

    #[tokio::test]
    async fn one_byte_is_changed_and_no_other() {
        let (body, _) = damaged(Damage::FlipByte(5), Way::Down);
        assert_eq!(body.length(), Some(10));
        let whole = body.collect(100).await.expect("whole");
        assert_eq!(&whole[..], b"01234\xca6789");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_body_takes_as_long_as_its_speed_says() {
        let start = Instant::now();
        let (body, _) = damaged(Damage::BytesPerSecond(2), Way::Down);
        assert_eq!(body.collect(100).await.expect("whole"), "0123456789");
        // The last piece goes out at once, as nothing comes behind it, and the end is seen half a second later.
        assert_eq!(start.elapsed().as_millis(), 5000);
    }
}
