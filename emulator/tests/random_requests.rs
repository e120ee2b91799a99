//! Requests at random, in Swift's own words: whatever is asked, and in whatever order, the emulator answers, and never
//! with a fault of its own.
//!
//! Each case is a few requests to an emulator of its own, in which one of everything exists already.
//! `PROPTEST_CASES` says how many cases to try.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use emulator::Emulator;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use signing::{Digest, Form, Key, Method, Signer, StorageUrl, TempUrl};

/// How long to wait for the next bytes of an answer before taking the emulator for stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// The key of `AUTH_test` for signed URLs and forms.
const KEY: &str = "key";

/// A moment no clock here comes to: the year 2100.
const NEVER: u64 = 4_102_444_800;

const METHODS: &[&str] = &[
    "GET",
    "GET",
    "GET",
    "HEAD",
    "PUT",
    "PUT",
    "POST",
    "POST",
    "DELETE",
    "DELETE",
    "COPY",
    "OPTIONS",
    "REPLICATE",
    "UPDATE",
    "PATCH",
    "PURGE",
    "TRACE",
    "BREW",
    "get",
];

const ROOTS: &[&str] = &[
    "/",
    "//",
    "*",
    "/v1",
    "/v1/",
    "/v1//",
    "/v1/AUTH_test",
    "/v1/AUTH_test/",
    "/v1.0/AUTH_test/c/o",
    "/v2/AUTH_test/c/o",
    "/v1/AUTH_admin/c",
    "/v1/AUTH_new",
    "/v1/AUTH_",
    "/v1/%00",
    "/v1/AUTH_test//o",
    "/v1/%2E%2E/c/o",
    "/info",
    "/info?swiftinfo_sig=x&swiftinfo_expires=1",
    "/healthcheck",
    "/crossdomain.xml",
    "/auth",
    "/auth/",
    "/auth/v1.0",
    "/auth/v1",
    "/v1.0",
    "/v2.0",
    "/v2.0/tokens",
    "/v2.0/tokens/nobody",
    "/v2.0/tokens/nobody/endpoints",
    "/v2.0/tenants",
    "/v3",
    "/v3/auth/tokens",
    "/v3/auth/catalog",
    "/cdn",
    "/cdn/",
    "/cdn/v1",
    "/cdn/v1/AUTH_test",
    "/cdn/v1/AUTH_test?enabled_only=true&format=xml&limit=1",
    "/cdn/v1/AUTH_test/c",
    "/cdn/v1/AUTH_test/c/o",
    "/cdn/v1/AUTH_test/new",
    "/cdn/v1//%00",
    "/_cdn",
    "/_cdn/",
    "/_cdn/nothing/o",
    "/_cdn//",
    "/_cdn/%C3%A9.r01.cf1/o",
    "/%ff",
    "/v1/AUTH_test/c/%zz%",
];

const CONTAINERS: &[&str] = &[
    "c",
    "c",
    "c",
    "versioned",
    "old",
    "history",
    "archive",
    "new",
    "%C3%A9",
    "a%20b",
    "a%2Fb",
    "%00",
    "%FF",
    "..",
    "%00versions%00versioned",
    ".",
    "c%00",
    "%E2%80%A8",
];

const OBJECTS: &[&str] = &[
    "o",
    "o",
    "slo",
    "slo",
    "dlo",
    "link",
    "static-link",
    "seg/1",
    "seg/2",
    "seg/",
    "new",
    "new/one",
    "/",
    "//",
    "a%2Fb",
    "a%20b",
    "%C3%A9",
    "%00",
    "o%00",
    "%FF",
    "%F0%9F%92%A9",
    "..",
    "../../../o",
    "index.html",
    "%0A",
    "%22%27%3C%26",
    "?",
    "#",
    "%E2%80%AEo",
];

const QUERIES: &[&str] = &[
    "format=json",
    "format=xml",
    "format=plain",
    "format=nonsense",
    "format=%00",
    "limit=0",
    "limit=1",
    "limit=-1",
    "limit=10001",
    "limit=99999999999999999999",
    "limit=x",
    "marker=o",
    "marker=%FF",
    "marker=%00",
    "end_marker=a",
    "end_marker=seg/1",
    "prefix=seg",
    "prefix=",
    "prefix=%C3",
    "delimiter=/",
    "delimiter=",
    "delimiter=%C3%A9",
    "delimiter=eg",
    "reverse=true",
    "reverse",
    "path=",
    "path=seg",
    "path=/",
    "versions",
    "versions=true",
    "version_marker=1",
    "version_marker=null",
    "version-id=null",
    "version-id=1",
    "version-id=",
    "version-id=9999999999.99999",
    "version-id=-1",
    "multipart-manifest=put",
    "multipart-manifest=get",
    "multipart-manifest=delete",
    "multipart-manifest=get&format=raw",
    "multipart-manifest=delete&async=on",
    "multipart-manifest=put&heartbeat=on",
    "multipart-manifest=",
    "part-number=1",
    "part-number=2",
    "part-number=0",
    "part-number=-1",
    "part-number=10001",
    "part-number=x",
    "symlink=get",
    "symlink=",
    "extract-archive=tar",
    "extract-archive=tar.gz",
    "extract-archive=tar.bz2",
    "extract-archive=zip",
    "extract-archive=",
    "bulk-delete",
    "bulk-delete=1",
    "temp_url_sig=0",
    "temp_url_expires=x",
    "temp_url_expires=4102444800",
    "temp_url_prefix=s",
    "temp_url_ip_range=127.0.0.1/99",
    "inline",
    "filename=%22%0D",
    "states=all",
    "heartbeat=on",
    "allow_insecure",
    "=",
    "&&",
    "%",
    "%zz=%",
    "+",
];

const HEADERS: &[(&str, &[&str])] = &[
    (
        "Range",
        &[
            "bytes=0-0",
            "bytes=1-",
            "bytes=-1",
            "bytes=-0",
            "bytes=5-1",
            "bytes=0-1,3-4",
            "bytes=0-99999",
            "bytes=99-",
            "bytes=-",
            "bytes=",
            "bytes=,",
            "bytes=0-0,0-0,0-0,0-0",
            "octets=0-1",
            "bytes=3-6,-2,0-",
            "bytes= 1 - 2",
            "bytes=18446744073709551615-18446744073709551616",
            "bytes=9223372036854775807-9223372036854775808",
            "bytes=-18446744073709551615",
            "bytes=0-18446744073709551615,1-2",
            "0-1",
            "\u{e9}",
        ],
    ),
    (
        "If-Match",
        &[
            "*",
            "x",
            "\"x\"",
            "5d41402abc4b2a76b9719d911017c592",
            "\"",
            ",",
        ],
    ),
    (
        "If-None-Match",
        &[
            "*",
            "x",
            "\"5d41402abc4b2a76b9719d911017c592\"",
            "\"a\", W/\"b\"",
        ],
    ),
    (
        "If-Modified-Since",
        &[
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Sun, 06 Nov 2094 08:49:37 GMT",
            "never",
            "",
            "0",
        ],
    ),
    (
        "If-Unmodified-Since",
        &[
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Sun, 06 Nov 2094 08:49:37 GMT",
            "never",
        ],
    ),
    (
        "If-Range",
        &[
            "x",
            "\"5d41402abc4b2a76b9719d911017c592\"",
            "Sun, 06 Nov 2094 08:49:37 GMT",
        ],
    ),
    (
        "X-Copy-From",
        &[
            "c/o",
            "/c/slo",
            "/c/none",
            "c",
            "/",
            "",
            "%FF",
            "/%00/%00",
            "/c/link",
            "versioned/o?version-id=null",
            "//c//o",
        ],
    ),
    (
        "X-Copy-From-Account",
        &["AUTH_test", "AUTH_admin", "a/b", "", "%00"],
    ),
    (
        "Destination",
        &[
            "c/copy",
            "/c/o",
            "/new/o",
            "c",
            "",
            "/",
            "%FF/%00",
            "c/%C3%A9",
            "//c//o",
            "versioned/o",
        ],
    ),
    (
        "Destination-Account",
        &["AUTH_test", "AUTH_admin", "a/b", ""],
    ),
    ("X-Fresh-Metadata", &["true", "no"]),
    (
        "X-Object-Manifest",
        &[
            "c/seg",
            "c/",
            "c",
            "/c/dlo",
            "c/dlo",
            "",
            "%FF/%FF",
            "c/seg?x=1",
            "none/none",
            "c/%00",
        ],
    ),
    (
        "X-Symlink-Target",
        &[
            "c/o",
            "c/link",
            "c/new",
            "c/slo",
            "c",
            "",
            "/",
            "%FF/%FF",
            "none/none",
            "c/o?x",
            "%00/%00",
        ],
    ),
    (
        "X-Symlink-Target-Account",
        &["AUTH_test", "AUTH_admin", "a/b", ""],
    ),
    (
        "X-Symlink-Target-Etag",
        &["5d41402abc4b2a76b9719d911017c592", "x", "\"x\""],
    ),
    (
        "X-Delete-At",
        &[
            "0",
            "-1",
            "1",
            "4102444800",
            "99999999999",
            "999999999999999999999",
            "soon",
            "1.5",
            "",
            "+5",
        ],
    ),
    (
        "X-Delete-After",
        &[
            "0",
            "-1",
            "1",
            "60",
            "18446744073709551615",
            "9223372036854775807",
            "soon",
            " 1",
        ],
    ),
    (
        "X-Timestamp",
        &[
            "0",
            "1",
            "1.5",
            "-1",
            "now",
            "99999999999.99999",
            "1e400",
            "NaN",
            "inf",
        ],
    ),
    (
        "X-Versions-Location",
        &["archive", "c", "a/b", "", "%00", "none", "versioned"],
    ),
    ("X-History-Location", &["archive", "", "none", "%C3%A9"]),
    ("X-Remove-Versions-Location", &["x"]),
    ("X-Versions-Enabled", &["true", "false", "maybe", ""]),
    (
        "X-Container-Read",
        &[
            ".r:*",
            ".r:*,.rlistings",
            ".r:-x.com",
            "test:tester3",
            ".x:y",
            ".r:",
            ",",
            "*:*",
            "\u{e9}",
        ],
    ),
    ("X-Container-Write", &["test:tester3", ".r:*", "", "a:b,c"]),
    (
        "X-Account-Access-Control",
        &[
            "{\"read-only\":[\"test:tester3\"]}",
            "{\"admin\":[1]}",
            "{}",
            "[]",
            "{",
            "",
            "{\"none\":[]}",
            "null",
        ],
    ),
    ("X-Remove-Container-Read", &["x"]),
    (
        "X-Container-Meta-Quota-Bytes",
        &["0", "10", "-1", "x", "99999999999999999999", ""],
    ),
    ("X-Container-Meta-Quota-Count", &["0", "3", "x", ""]),
    ("X-Account-Meta-Quota-Bytes", &["0", "10", "-1", "x", ""]),
    ("X-Account-Quota-Bytes-Policy-Gold", &["0", "10", "x"]),
    (
        "X-Container-Meta-Web-Index",
        &["index.html", "", "%00", "/"],
    ),
    ("X-Container-Meta-Web-Error", &["error.html", "o", "/"]),
    ("X-Container-Meta-Web-Listings", &["true", "no"]),
    (
        "X-Container-Meta-Web-Listings-Css",
        &["list.css", "http://x/y.css", "\"><"],
    ),
    (
        "X-Container-Meta-Web-Listings-Label",
        &["label", "%FF\u{e9}"],
    ),
    (
        "X-Container-Meta-Web-Directory-Type",
        &["text/directory", "x"],
    ),
    (
        "X-Container-Meta-Access-Control-Allow-Origin",
        &[
            "*",
            "http://a.example",
            "http://a.example http://b.example",
            "",
        ],
    ),
    ("X-Container-Meta-Access-Control-Max-Age", &["5", "x"]),
    (
        "X-Container-Meta-Access-Control-Expose-Headers",
        &["X-A X-B", "\u{e9}"],
    ),
    ("X-Container-Meta-Temp-Url-Key", &["key", "", "\u{e9}"]),
    ("X-Account-Meta-Temp-Url-Key-2", &["key", ""]),
    ("X-Container-Meta-\u{e9}", &["x"]),
    ("X-Object-Meta-A", &["1", "", "\u{e9}", "%C3%A9"]),
    ("X-Object-Meta-", &["x"]),
    ("X-Object-Meta-Sysmeta", &["x"]),
    ("X-Object-Sysmeta-Slo-Etag", &["x"]),
    ("X-Static-Large-Object", &["true"]),
    ("X-Backend-Allow-Reserved-Names", &["true"]),
    ("X-Storage-Policy", &["gold", "silver", "lead", "0", ""]),
    ("X-Newest", &["true", "x"]),
    ("X-Detect-Content-Type", &["true"]),
    ("X-Open-Expired", &["true"]),
    ("X-Service-Token", &["nobody", ""]),
    (
        "X-Trans-Id-Extra",
        &[
            "mine",
            "\u{e9}\u{e9}",
            "0123456789012345678901234567890123456789",
        ],
    ),
    (
        "Etag",
        &[
            "x",
            "\"5d41402abc4b2a76b9719d911017c592\"",
            "5D41402ABC4B2A76B9719D911017C592",
            "",
            "\u{e9}",
        ],
    ),
    (
        "Content-Type",
        &[
            "text/plain",
            "application/json",
            "application/xml",
            "text/html; charset=\u{e9}",
            "application/directory",
            "",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"",
            "x;swift_bytes=5",
            "x;swift_bytes=x",
            ";",
            "text/plain;;a=b=c;",
        ],
    ),
    ("Content-Encoding", &["gzip", "\u{e9}"]),
    (
        "Content-Disposition",
        &["attachment", "inline; filename=\"\u{e9}"],
    ),
    ("Content-MD5", &["x"]),
    (
        "Accept",
        &[
            "application/json",
            "text/xml",
            "application/xml;q=0.5, */*",
            "*/*;q=x",
            "",
            ",",
            "nonsense",
            "text/plain;q=1;q=0",
            "application/json;q=2",
            "image/png",
            "\u{e9}",
        ],
    ),
    ("Origin", &["http://a.example", "*", "", "null", "\u{e9}"]),
    ("Access-Control-Request-Method", &["GET", "BREW", ""]),
    (
        "Access-Control-Request-Headers",
        &["X-A, x-b", ",", "\u{e9}"],
    ),
    (
        "Host",
        &[
            "c.AUTH-test.example.com",
            "AUTH_test.example.com",
            "",
            "a:b:c",
            "nothing.r01.cf1.rackcdn.com",
            "x.ssl.cf1.rackcdn.com:80",
            "[::1",
            "..",
            "example.com:99999",
        ],
    ),
    (
        "Referer",
        &["http://a.example/x", "x", "http://", "http://[::1"],
    ),
    ("Expect", &["100-continue", "miracles"]),
    (
        "X-Auth-User",
        &["test:tester", "test", ":", "\u{e9}:", "a:b:c", "demo"],
    ),
    ("X-Auth-Key", &["testing", "", "\u{e9}"]),
    ("X-Storage-User", &["tester", "test:tester", ""]),
    ("X-Storage-Pass", &["testing"]),
    ("X-Storage-Token", &["nobody"]),
    ("X-Auth-New-Token", &["true"]),
    ("X-Subject-Token", &["nobody", ""]),
    (
        "X-TTL",
        &["900", "0", "-1", "x", "99999999999999999999", ""],
    ),
    ("X-CDN-Enabled", &["True", "false", "maybe"]),
    ("X-Log-Retention", &["True", "x"]),
    (
        "X-Purge-Email",
        &["a@example.com", "a@example.com, ", "\u{e9}"],
    ),
    ("X-Web-Mode", &["true", "x"]),
    ("X-Forwarded-For", &["127.0.0.1", "x"]),
    ("X-Forwarded-Proto", &["https"]),
];

const TEXTS: &[&str] = &[
    "",
    "hello",
    "c/o\nc/seg/1\nc\n",
    "/c/%FF\n\n%00\n//\nc/slo",
    "[]",
    "{}",
    "[",
    "null",
    r#"[{"path":"c/seg/1"},{"path":"c/seg/2"}]"#,
    r#"[{"path":"/c/seg/1","etag":"5d41402abc4b2a76b9719d911017c592","size_bytes":5,"range":"1-3"}]"#,
    r#"[{"path":"/c/seg/1","range":"-2"},{"data":"aGVsbG8="},{"path":"/c/slo","range":"0-0"}]"#,
    r#"[{"path":"/c/slo"},{"path":"c/slo"}]"#,
    r#"[{"path":"/c/seg/1","range":"9-3"}]"#,
    r#"[{"path":"/c/seg/1","range":"18446744073709551615-18446744073709551616"}]"#,
    r#"[{"path":"/c/none","size_bytes":-1},{"path":1},{"data":"%"},{"x":1},null]"#,
    r#"[{"path":"/c/seg/1","size_bytes":1e400}]"#,
    r#"[{"path":"/c/seg/1","size_bytes":99999999999999999999}]"#,
    r#"[{"data":""}]"#,
    r#"[{"path":"\u0000/\u0000"},{"path":"é/é"},{"path":"\ud800"}]"#,
    r#"{"auth":{"passwordCredentials":{"username":"test:tester","password":"testing"}}}"#,
    r#"{"auth":{"RAX-KSKEY:apiKeyCredentials":{"username":"demo","apiKey":"0123456789abcdef0123456789abcdef"},"tenantId":1}}"#,
    r#"{"auth":{"token":{"id":"nobody"},"tenantName":"test"}}"#,
    r#"{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"tester","domain":{"id":"default"},"password":"testing"}}},"scope":{"project":{"name":"test","domain":{"id":"default"}}}}}"#,
    r#"{"auth":{"identity":{"methods":["token"],"token":{"id":"nobody"}}}}"#,
    r#"{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"7a5b1c0d9e8f4a3b8c2d1e0f9a8b7c6d","secret":"testing-application"}}}}"#,
    r#"{"auth":{"identity":{"methods":[1]},"scope":"unscoped"}}"#,
    r#"{"auth":null}"#,
    "<auth xmlns=\"http://docs.openstack.org/identity/api/v2.0\"/>",
];

#[derive(Clone, Copy, Debug)]
enum User {
    Nobody,
    Tester,
    Admin,
    Stranger,
}

#[derive(Clone, Debug)]
enum Content {
    Text(&'static str),
    /// An archive of members: their names and types, and its compression.
    Archive(Vec<(&'static str, u8)>, &'static str),
    /// A form for `AUTH_test/c/`: how many files it says it may hold, and those it holds.
    Form(u64, Vec<&'static str>),
}

#[derive(Clone, Debug)]
struct Request {
    /// Seconds by which the clock moves before it is sent.
    after: u64,
    user: User,
    method: &'static str,
    target: String,
    /// Whether the target gets a signature that is good for it.
    signed: bool,
    headers: Vec<(&'static str, &'static str)>,
    content: Content,
    /// Where the body is cut off or one of its bytes changed, if it is.
    damage: Option<(Index, Option<u8>)>,
    chunked: bool,
}

fn target() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        2 => select(ROOTS).prop_map(str::to_owned),
        3 => select(CONTAINERS).prop_map(|container| format!("/v1/AUTH_test/{container}")),
        6 => (select(CONTAINERS), select(OBJECTS))
            .prop_map(|(container, object)| format!("/v1/AUTH_test/{container}/{object}")),
        4 => select(OBJECTS).prop_map(|object| format!("/v1/AUTH_test/c/{object}")),
        1 => "(/|%2F|%00|%[0-9A-F]{2}|[a-zé.~;:@&=+$,]|v1|AUTH_test){0,12}"
            .prop_map(|path| format!("/{path}")),
        1 => (250..1300_usize).prop_map(|length| format!("/v1/AUTH_test/c/{}", "n".repeat(length))),
    ];
    (path, vec(select(QUERIES), 0..4)).prop_map(|(mut path, queries)| {
        for query in queries {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(query);
        }
        path
    })
}

fn header() -> impl Strategy<Value = (&'static str, &'static str)> {
    select(HEADERS).prop_flat_map(|(name, values)| (Just(name), select(values)))
}

fn content() -> impl Strategy<Value = Content> {
    let names = &[
        "o", "c/o", "new/a/b", "/", "../x", "%00", "a\0b", "\u{e9}", "./", "new",
    ][..];
    let types = &[
        b'0', b'0', b'0', 0, b'1', b'2', b'5', b'L', b'K', b'x', b'g', b'S', 0xff,
    ][..];
    let files = &["", "hello", "hello\r\n--boundary", "\r\n"][..];
    prop_oneof![
        6 => select(TEXTS).prop_map(Content::Text),
        1 => (vec((select(names), select(types)), 0..4), select(&["tar", "tar.gz", "tar.bz2"][..]))
            .prop_map(|(members, compression)| Content::Archive(members, compression)),
        1 => (0..3_u64, vec(select(files), 0..4)).prop_map(|(count, files)| Content::Form(count, files)),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let user = prop_oneof![
        2 => Just(User::Nobody),
        6 => Just(User::Tester),
        2 => Just(User::Admin),
        1 => Just(User::Stranger),
    ];
    let after = prop_oneof![9 => Just(0), 1 => select(&[1, 61, 90_000, 4_000_000_000][..])];
    let damage = option::weighted(0.2, (any::<Index>(), any::<Option<u8>>()));
    (
        (after, user, select(METHODS), target()),
        prop::bool::weighted(0.1),
        vec(header(), 0..5),
        (content(), damage, prop::bool::weighted(0.2)),
    )
        .prop_map(
            |((after, user, method, target), signed, headers, (content, damage, chunked))| {
                Request {
                    after,
                    user,
                    method,
                    target,
                    signed,
                    headers,
                    content,
                    damage,
                    chunked,
                }
                .made_fit()
            },
        )
}

impl Request {
    /// Archives and forms are sent where they are looked at; more often than not chance would send them elsewhere.
    fn made_fit(mut self) -> Self {
        match &self.content {
            Content::Text(_) => {}
            Content::Archive(_, compression) => {
                self.method = "PUT";
                let path = self.target.split('?').next().unwrap_or_default();
                self.target = format!("{path}?extract-archive={compression}");
            }
            Content::Form(..) => {
                self.method = "POST";
                "/v1/AUTH_test/c/".clone_into(&mut self.target);
                self.headers.retain(|(name, _)| *name != "Content-Type");
                self.headers
                    .push(("Content-Type", "multipart/form-data; boundary=boundary"));
            }
        }
        self
    }

    fn body(&self) -> Vec<u8> {
        let mut body = match &self.content {
            Content::Text(text) => text.as_bytes().to_vec(),
            Content::Archive(members, compression) => archive(members, compression),
            Content::Form(count, files) => form(*count, files),
        };
        match self.damage {
            Some((place, Some(byte))) if !body.is_empty() => {
                let place = place.index(body.len());
                body[place] = byte;
            }
            Some((place, None)) if !body.is_empty() => body.truncate(place.index(body.len())),
            _ => {}
        }
        body
    }

    /// The target, with a signature where it shall have one and names an object.
    fn signed_target(&self) -> String {
        let named = self
            .target
            .split('?')
            .next()
            .and_then(|path| path.strip_prefix("/v1/AUTH_test/"))
            .and_then(|path| path.split_once('/'));
        let (Some((container, object)), Ok(method), true) =
            (named, self.method.parse::<Method>(), self.signed)
        else {
            return self.target.clone();
        };
        let storage = StorageUrl::parse("http://h/v1/AUTH_test").expect("it is a storage URL");
        let url = TempUrl::new(method, storage.object(container, object), NEVER);
        let signature = signer().sign(&url);
        let joint = if self.target.contains('?') { '&' } else { '?' };
        format!(
            "{}{joint}temp_url_sig={}&temp_url_expires={NEVER}",
            self.target,
            signature.to_hex()
        )
    }
}

fn signer() -> Signer {
    Signer::new(&Key::new(KEY), Digest::Sha256)
}

fn archive(members: &[(&str, u8)], compression: &str) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, kind) in members {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(tar::EntryType::new(*kind));
        header.set_size(5);
        header.set_cksum();
        archive.extend(header.as_bytes());
        archive.extend(b"hello");
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    let mut packed = Vec::new();
    let done = match compression {
        "tar.gz" => flate2::bufread::GzEncoder::new(&archive[..], flate2::Compression::fast())
            .read_to_end(&mut packed),
        "tar.bz2" => bzip2::bufread::BzEncoder::new(&archive[..], bzip2::Compression::fast())
            .read_to_end(&mut packed),
        _ => return archive,
    };
    done.expect("memory can be read");
    packed
}

fn form(max_file_count: u64, files: &[&str]) -> Vec<u8> {
    let form = Form {
        path: "/v1/AUTH_test/c/",
        redirect: "",
        max_file_size: 20,
        max_file_count,
        expires: NEVER,
    };
    let signature = signer().sign_form(&form).to_hex();
    let count = max_file_count.to_string();
    let expires = NEVER.to_string();
    let mut text = String::new();
    for (name, value) in [
        ("redirect", ""),
        ("max_file_size", "20"),
        ("max_file_count", &count),
        ("expires", &expires),
        ("signature", &signature),
    ] {
        write!(
            text,
            "--boundary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
        .expect("a string takes all");
    }
    for (number, file) in files.iter().enumerate() {
        write!(
            text,
            "--boundary\r\nContent-Disposition: form-data; name=\"file{number}\"; filename=\"f{number}\"\r\n\
             Content-Type: text/plain\r\n\r\n{file}\r\n"
        )
        .expect("a string takes all");
    }
    text.push_str("--boundary--\r\n");
    text.into_bytes()
}

// The emulator's side.

/// What an emulator's thread said when it panicked. A panic past the head of an answer shows nowhere else.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn watch_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() == Some("emulator") {
                PANICS
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(panic.to_string());
            }
            before(panic);
        }));
    });
}

struct Cloud {
    emulator: Emulator,
    tester: String,
    admin: String,
}

impl Cloud {
    /// An emulator with one of everything.
    fn start() -> Self {
        let emulator = Emulator::builder()
            .start_blocking()
            .expect("an emulator starts");
        emulator.clock().freeze();
        let tester = sign_in(&emulator, "test:tester", "testing");
        let admin = sign_in(&emulator, "admin:admin", "admin");
        let cloud = Self {
            emulator,
            tester,
            admin,
        };
        for (method, path, headers, body) in [
            ("POST", "", &[("X-Account-Meta-Temp-Url-Key", KEY)][..], ""),
            (
                "PUT",
                "/c",
                &[
                    ("X-Container-Read", ".r:*,.rlistings"),
                    ("X-Container-Meta-Web-Listings", "true"),
                ],
                "",
            ),
            ("PUT", "/archive", &[], ""),
            ("PUT", "/versioned", &[("X-Versions-Enabled", "true")], ""),
            ("PUT", "/old", &[("X-Versions-Location", "archive")], ""),
            ("PUT", "/history", &[("X-History-Location", "archive")], ""),
            ("PUT", "/c/o", &[], "hello"),
            ("PUT", "/c/seg/1", &[], "hello"),
            ("PUT", "/c/seg/2", &[], "world"),
            ("PUT", "/c/dlo", &[("X-Object-Manifest", "c/seg")], ""),
            ("PUT", "/c/link", &[("X-Symlink-Target", "c/o")], ""),
            (
                "PUT",
                "/c/static-link",
                &[
                    ("X-Symlink-Target", "c/o"),
                    ("X-Symlink-Target-Etag", "5d41402abc4b2a76b9719d911017c592"),
                ],
                "",
            ),
            (
                "PUT",
                "/c/slo?multipart-manifest=put",
                &[],
                r#"[{"path":"c/seg/1"},{"data":"aGVsbG8="},{"path":"c/seg/2","range":"1-3"}]"#,
            ),
            ("PUT", "/versioned/o", &[], "first"),
            ("PUT", "/versioned/o", &[], "second"),
            ("PUT", "/old/o", &[], "first"),
            ("PUT", "/old/o", &[], "second"),
            ("PUT", "/history/o", &[], "first"),
            ("DELETE", "/history/o", &[], ""),
        ] {
            let mut all = vec![("X-Auth-Token", cloud.tester.as_str())];
            all.extend(headers);
            let target = format!("/v1/AUTH_test{path}");
            let answer = exchange(
                &cloud.emulator,
                method,
                &target,
                &all,
                body.as_bytes(),
                false,
            );
            let status = answer.map(|answer| answer.status);
            assert!(
                matches!(status, Ok(200..=299)),
                "{method} {path}: {status:?}"
            );
        }
        let token = [("X-Auth-Token", cloud.tester.as_str())];
        let published = exchange(
            &cloud.emulator,
            "PUT",
            "/cdn/v1/AUTH_test/c",
            &token,
            b"",
            false,
        );
        assert_eq!(published.map(|answer| answer.status), Ok(201));
        cloud
    }

    fn send(&self, request: &Request) -> Result<Answer, String> {
        self.emulator
            .clock()
            .advance(Duration::from_secs(request.after));
        let mut headers = request.headers.clone();
        match request.user {
            User::Nobody => {}
            User::Tester => headers.push(("X-Auth-Token", &self.tester)),
            User::Admin => headers.push(("X-Auth-Token", &self.admin)),
            User::Stranger => headers.push(("X-Auth-Token", "AUTH_tk\u{e9}")),
        }
        exchange(
            &self.emulator,
            request.method,
            &request.signed_target(),
            &headers,
            &request.body(),
            request.chunked,
        )
    }
}

fn sign_in(emulator: &Emulator, user: &str, key: &str) -> String {
    let headers = [("X-Auth-User", user), ("X-Auth-Key", key)];
    exchange(emulator, "GET", "/auth/v1.0", &headers, b"", false)
        .ok()
        .and_then(|answer| answer.header("x-auth-token").map(str::to_owned))
        .expect("the user gets a token")
}

// The wire.

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .split("\r\n")
            .filter_map(|line| line.split_once(": "))
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether all of the body came that the head spoke of.
    fn is_whole(&self, method: &str) -> bool {
        if method == "HEAD" || matches!(self.status, 204 | 304) {
            return self.body.is_empty();
        }
        if self.header("transfer-encoding").is_some() {
            return self.body.ends_with(b"0\r\n\r\n");
        }
        self.header("content-length")
            .is_none_or(|length| length.parse() == Ok(self.body.len()))
    }
}

/// Sends a request on a connection of its own. The error is what was wrong with the answer, as a message.
fn exchange(
    emulator: &Emulator,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    chunked: bool,
) -> Result<Answer, String> {
    let mut message = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n").into_bytes();
    if !headers.iter().any(|(name, _)| *name == "Host") {
        message.extend(format!("Host: {}\r\n", emulator.address()).bytes());
    }
    for (name, value) in headers {
        message.extend(format!("{name}: {value}\r\n").bytes());
    }
    if chunked {
        message.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in body.chunks(100) {
            message.extend(format!("{:x}\r\n", chunk.len()).bytes());
            message.extend(chunk);
            message.extend(b"\r\n");
        }
        message.extend(b"0\r\n\r\n");
    } else {
        message.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
        message.extend(body);
    }

    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(emulator.address()).map_err(io)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    stream.write_all(&message).map_err(io)?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // A connection closed before all of the request was read is reset; the answer has come before.
        Err(error) if error.kind() != ErrorKind::ConnectionReset => return Err(error.to_string()),
        _ => {}
    }
    loop {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .ok_or_else(|| format!("closed without an answer, after {} bytes", bytes.len()))?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes.drain(..end + 4);
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|line| line.get(..3))
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| format!("no status in {head:?}"))?;
        // An interim answer comes before the one that counts.
        if status >= 200 {
            return Ok(Answer {
                status,
                head,
                body: bytes,
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_answered_and_none_is_the_servers_fault(requests in vec(request(), 1..=8)) {
        watch_for_panics();
        let cloud = Cloud::start();
        for request in &requests {
            let answer = cloud.send(request);
            let panics = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
            prop_assert!(panics.is_empty(), "{panics:?} at {request:?}");
            let answer = answer.map_err(|why| TestCaseError::fail(format!("{why} at {request:?}")))?;
            prop_assert!(answer.status != 500, "{answer:?} to {request:?}");
            // The segments of a large object can turn out to be wrong once its head is out: then its body breaks off.
            let is_large = answer.header("x-static-large-object").is_some() || answer.header("x-object-manifest").is_some();
            prop_assert!(is_large || answer.is_whole(request.method), "{answer:?} to {request:?}");
        }
        let health = exchange(&cloud.emulator, "GET", "/healthcheck", &[], b"", false);
        prop_assert_eq!(health.map(|answer| answer.status), Ok(200));
    }
}
