//! Temp URL and form POST signatures for OpenStack Swift and Rackspace Cloud Files.
//!
//! A temporary URL lets anyone who holds it use one object in one way until one moment, without an account. Its maker
//! and the server share a [`Key`]; the URL carries an HMAC over method, expiry and path. This crate makes such URLs
//! ([`Signer`], [`TempUrl`]) and judges them as Swift does ([`TempUrlQuery::verify`]); [`Form`] and [`FormFields`] do
//! the same for forms a browser uploads files with.
//!
//! It is pure: it opens nothing, asks no clock (`now` is an argument) and knows no HTTP library. What is signed is the
//! *decoded* path; only the URL that is handed out is percent-encoded.
//!
//! # Making a URL
//!
//! ```
//! use signing::{Digest, Key, Method, Signer, StorageUrl, TempUrl};
//!
//! let storage_url = StorageUrl::parse("https://storage101.dfw1.clouddrive.com/v1/MossoCloudFS_abc")?;
//! let signer = Signer::new(&Key::new("mykey"), Digest::Sha1);
//!
//! let url = TempUrl::new(Method::Get, storage_url.object("python-demo", "logo.png"), 1_400_000_000);
//! assert_eq!(
//!     signer.url(&url),
//!     "https://storage101.dfw1.clouddrive.com/v1/MossoCloudFS_abc/python-demo/logo.png\
//!      ?temp_url_sig=876721610235e3ad30a53b1e822153b084ebd25e&temp_url_expires=1400000000",
//! );
//! # Ok::<(), signing::ParseStorageUrlError>(())
//! ```
//!
//! # Judging a request
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use signing::{Digest, Key, Refusal, TempUrlQuery, TempUrlRequest};
//!
//! let query = TempUrlQuery::parse(
//!     b"temp_url_sig=876721610235e3ad30a53b1e822153b084ebd25e&temp_url_expires=1400000000",
//! ).expect("the query has temp URL parameters");
//! let mut request = TempUrlRequest {
//!     method: "GET",
//!     path: b"/v1/MossoCloudFS_abc/python-demo/logo.png",
//!     client_ip: None,
//!     keys: &[&Key::new("mykey"), &Key::new("the key before")],
//!     allowed_digests: &Digest::ALL,
//!     now: UNIX_EPOCH + Duration::from_secs(1_400_000_000),
//! };
//! assert_eq!(query.verify(&request).map(|access| access.key), Ok(0));
//!
//! request.now += Duration::from_millis(1);
//! assert_eq!(query.verify(&request), Err(Refusal::Expired { expires: 1_400_000_000 }));
//! ```

mod digest;
mod expires;
mod formpost;
mod hmac;
mod ip_range;
mod key;
mod method;
mod signer;
mod storage_url;
mod tempurl;

pub use digest::{Digest, ParseSignatureError, Signature};
pub use formpost::{Form, FormAccess, FormFields, FormRefusal};
pub use ip_range::{IpRange, ParseIpRangeError};
pub use key::Key;
pub use method::{Method, UnknownMethod};
pub use signer::Signer;
pub use storage_url::{ParseStorageUrlError, Resource, StorageUrl};
pub use tempurl::{
    Diagnosis, ExpiresFormat, Refusal, SignatureFormat, Signed, TempUrl, TempUrlAccess,
    TempUrlQuery, TempUrlRequest,
};
