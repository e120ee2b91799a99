//! What asks the allocator for nothing. One test in a program of its own: every allocation in it is counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::hint::black_box;
use std::net::IpAddr;
use std::time::UNIX_EPOCH;

use signing::{
    Digest, Form, Key, Method, Signature, SignatureFormat, Signer, StorageUrl, TempUrl,
    TempUrlQuery, TempUrlRequest,
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn signing_writing_and_judging_allocate_nothing() {
    let key = Key::new("mykey");
    let storage_url = StorageUrl::parse("https://swift.example.com/v1/AUTH_test").unwrap();
    let plain = TempUrl::new(
        Method::Get,
        storage_url.object("photos", "summer/été 1.png"),
        1_400_000_000,
    );
    let restricted = TempUrl {
        prefix: Some("summer/"),
        ip_range: Some("192.0.2.0/24"),
        filename: Some("summer.png"),
        inline: true,
        ..plain
    };
    let in_base64 = TempUrl {
        signature_format: SignatureFormat::Base64,
        ..plain
    };
    let form = Form {
        path: "/v1/AUTH_test/photos/",
        redirect: "https://example.com",
        max_file_size: 1 << 20,
        max_file_count: 3,
        expires: 1_400_000_000,
    };
    let mut out = String::with_capacity(1_024);
    let mut hex = [0; Signature::MAX_HEX_LENGTH];
    let client_ip: IpAddr = [192, 0, 2, 7].into();
    let keys = [&key];

    let request = TempUrlRequest {
        method: "GET",
        path: "/v1/AUTH_test/photos/summer/été 1.png".as_bytes(),
        client_ip: Some(client_ip),
        keys: &keys,
        allowed_digests: &Digest::ALL,
        now: UNIX_EPOCH,
    };

    let _profiler = dhat::Profiler::builder().testing().build();
    for digest in Digest::ALL {
        let signer = Signer::new(&key, digest);
        black_box(signer.sign(&plain).hex(&mut hex));
        black_box(signer.sign_form(&form).hex(&mut hex));
        for url in [&plain, &restricted, &in_base64] {
            out.clear();
            signer.write_url(url, &mut out);
            let query = out.split_once('?').unwrap().1;
            let query = TempUrlQuery::parse(query.as_bytes()).unwrap();
            query.verify(&request).unwrap();
        }
    }
    let signed_and_judged = dhat::HeapStats::get().total_blocks;
    black_box(Signer::new(&key, Digest::Sha1).url(&plain));
    let with_a_new_string = dhat::HeapStats::get().total_blocks;
    assert_eq!(signed_and_judged, 0);
    assert_eq!(with_a_new_string, 1, "the count does count");
}
