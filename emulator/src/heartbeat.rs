//! Answers to long work: a sign of life now and then, so that nobody on the way takes the connection for dead.
//!
//! The status is sent before the work is done, and so it is always 200: what became of the work stands in the report
//! (`handle_extract_iter` and `handle_delete_iter` in `swift/common/middleware/bulk.py`).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Frame;

use crate::message::{Body, BodyError};

/// How long to be silent (`yield_frequency`).
const PERIOD: Duration = Duration::from_secs(10);

/// The report that the work ends with. Where it takes longer than the period, a body that says something meanwhile.
pub(crate) async fn body(
    work: impl Future<Output = String> + Send + 'static,
    format: &str,
) -> Body {
    let mut work = Box::pin(work);
    if let Ok(report) = tokio::time::timeout(PERIOD, &mut work).await {
        return Body::Bytes(report.into());
    }
    Body::stream(Heartbeat {
        work: Some(work),
        timer: tokio::time::interval(PERIOD),
        beat: Bytes::from_static(if format.ends_with("/xml") {
            b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        } else {
            b" "
        }),
    })
}

struct Heartbeat {
    /// `None` once it is done.
    work: Option<Pin<Box<dyn Future<Output = String> + Send>>>,
    timer: tokio::time::Interval,
    beat: Bytes,
}

impl http_body::Body for Heartbeat {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(work) = &mut self.work else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(report) = work.as_mut().poll(context) {
            self.work = None;
            let mut last = BytesMut::from("\r\n\r\n");
            last.extend_from_slice(report.as_bytes());
            return Poll::Ready(Some(Ok(Frame::data(last.freeze()))));
        }
        ready!(self.timer.poll_tick(context));
        let beat = std::mem::replace(&mut self.beat, Bytes::from_static(b" "));
        Poll::Ready(Some(Ok(Frame::data(beat))))
    }

    fn is_end_stream(&self) -> bool {
        self.work.is_none()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn frames(mut body: Body) -> Vec<Bytes> {
        let mut frames = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            frames.extend(frame.into_data());
        }
        frames
    }

    async fn work(seconds: u64) -> String {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        "done".to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn quick_work_is_answered_with_its_report_alone() {
        assert_eq!(frames(body(work(9), "text/plain").await).await, ["done"]);
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_is_answered_with_blanks_and_then_its_report() {
        assert_eq!(
            frames(body(work(25), "application/json").await).await,
            [" ", " ", "\r\n\r\ndone"]
        );
        let xml = frames(body(work(15), "text/xml").await).await;
        assert_eq!(
            xml,
            [
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                "\r\n\r\ndone"
            ]
        );
    }
}
