//! Temporary URLs: the text that is signed, the URL around it, and the judgement of a request.

mod diagnose;
mod query;
mod url;
mod verify;

pub use diagnose::{Diagnosis, Signed};
pub use query::TempUrlQuery;
pub use url::{ExpiresFormat, SignatureFormat, TempUrl};
pub use verify::{Refusal, TempUrlAccess, TempUrlRequest};
