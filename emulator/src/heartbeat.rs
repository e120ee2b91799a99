//! Answers to long work: a sign of life now and then, so that nobody on the way takes the connection for dead.
//!
//! The status is sent before the work is done, and so it is always 200: what became of the work stands in the report
//! (`get_heartbeat_response_body` in `swift/common/request_helpers.py`).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Frame;
use quick_xml::escape::partial_escape;
use serde_json::json;

use crate::message::{Body, BodyError};
use crate::reject::status_line;

/// The forms that reports come in, the one for those who do not care first.
pub(crate) const FORMATS: [&str; 4] = ["text/plain", "application/json", "application/xml", "text/xml"];

/// How long to be silent (`yield_frequency`).
const PERIOD: Duration = Duration::from_secs(10);

/// What became of the parts of a long work.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    /// By name, in alphabetical order.
    pub(crate) counts: Vec<(&'static str, u64)>,
    /// What failed, percent-encoded, and with which status line.
    pub(crate) errors: Vec<(String, String)>,
}

impl Report {
    /// Writes the report in one of [`FORMATS`]; as plain text where none would do. `root` names it in XML.
    pub(crate) fn write(&self, format: Option<&str>, root: &str) -> String {
        let status = status_line(self.status);
        if format == Some("application/json") {
            let mut report = json!({
                "Response Status": status,
                "Response Body": self.body,
                "Errors": self.errors,
            });
            for (name, count) in &self.counts {
                report[*name] = (*count).into();
            }
            return report.to_string();
        }
        let counts = self.counts.iter().map(|(name, count)| (*name, count.to_string()));
        let rows = counts.chain([
            ("Response Body", self.body.clone()),
            ("Response Status", status),
        ]);
        let mut text = String::new();
        if is_xml(format) {
            text.extend(["<", root, ">\n"]);
            for (name, value) in rows {
                let name = name.replace(' ', "_").to_ascii_lowercase();
                text.extend(["<", &name, ">", &partial_escape(&value), "</", &name, ">\n"]);
            }
            text.push_str("<errors>\n");
            for (name, status) in &self.errors {
                let (name, status) = (partial_escape(name), partial_escape(status));
                text.extend(["<object><name>", &name, "</name><status>", &status, "</status></object>\n"]);
            }
            text.extend(["</errors>\n</", root, ">\n"]);
        } else {
            for (name, value) in rows {
                text.extend([name, ": ", &value, "\n"]);
            }
            text.push_str("Errors:\n");
            for (name, status) in &self.errors {
                text.extend([name, ", ", status, "\n"]);
            }
        }
        text
    }
}

fn is_xml(format: Option<&str>) -> bool {
    format.is_some_and(|format| format.ends_with("/xml"))
}

/// The report that the work ends with. Where it takes longer than the period, a body that says something meanwhile.
pub(crate) async fn body(work: impl Future<Output = String> + Send + 'static, format: Option<&str>) -> Body {
    let mut work = Box::pin(work);
    if let Ok(report) = tokio::time::timeout(PERIOD, &mut work).await {
        return Body::Bytes(report.into());
    }
    Body::stream(Heartbeat {
        work: Some(work),
        timer: tokio::time::interval(PERIOD),
        beat: Bytes::from_static(if is_xml(format) {
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
    use super::*;

    fn report() -> Report {
        Report {
            status: StatusCode::BAD_REQUEST,
            body: "a & b".to_owned(),
            counts: vec![("Number Deleted", 1), ("Number Not Found", 2)],
            errors: vec![("c/o".to_owned(), "409 Conflict".to_owned())],
        }
    }

    #[test]
    fn reports_as_plain_text() {
        let text = "Number Deleted: 1\nNumber Not Found: 2\nResponse Body: a & b\n\
                    Response Status: 400 Bad Request\nErrors:\nc/o, 409 Conflict\n";
        assert_eq!(report().write(Some("text/plain"), "delete"), text);
        assert_eq!(report().write(None, "delete"), text);
    }

    #[test]
    fn reports_as_xml_under_the_name_of_the_work() {
        assert_eq!(
            report().write(Some("text/xml"), "delete"),
            "<delete>\n<number_deleted>1</number_deleted>\n<number_not_found>2</number_not_found>\n\
             <response_body>a &amp; b</response_body>\n<response_status>400 Bad Request</response_status>\n\
             <errors>\n<object><name>c/o</name><status>409 Conflict</status></object>\n</errors>\n</delete>\n"
        );
    }

    #[test]
    fn reports_as_json() {
        let text = report().write(Some("application/json"), "delete");
        let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(
            read,
            json!({
                "Response Status": "400 Bad Request", "Response Body": "a & b",
                "Number Deleted": 1, "Number Not Found": 2, "Errors": [["c/o", "409 Conflict"]]
            })
        );
    }
}
