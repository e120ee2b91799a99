//! The photo box, on a good day and on bad ones.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use emulator::{Cause, Emulator, Fault, FreshAccount, Offset};
use photo_box::PhotoBox;
use swift_client::{Client, Credentials, RetryPolicy};

const NAME: &str = "summer 2026/beach.jpg";
const SECOND: Duration = Duration::from_secs(1);

/// One emulator for all tests that leave the clock alone; an account of its own for each keeps them apart. Starting one
/// takes a millisecond, so tests that move the clock have one of their own.
static SHARED: LazyLock<Emulator> = LazyLock::new(start);

fn start() -> Emulator {
    let emulator = Emulator::builder().start_blocking();
    emulator.expect("the machine has a free loopback port")
}

/// The box of a fresh account.
async fn box_of(account: &FreshAccount) -> PhotoBox {
    let credentials =
        Credentials::temp_auth(&account.auth_url, &account.user, account.key.as_str());
    let quick = RetryPolicy {
        min_delay: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    let client = Client::builder(credentials).retry(quick).build();
    let client = client.expect("the settings make a client");
    PhotoBox::open(client, "photos").await.expect("it opens")
}

fn photo() -> Vec<u8> {
    b"\xff\xd8 a photo \xff\xd9".repeat(1000)
}

/// The status that anybody gets who follows a link.
async fn status(link: &str) -> u16 {
    // The links are plain HTTP; reqwest wants to know all the same who would do TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(link).await.expect("an answer comes");
    answer.status().as_u16()
}

#[tokio::test]
async fn a_photo_comes_back_as_it_was() {
    let account = SHARED.fresh_account();
    let photos = box_of(&account).await;
    photos.store(NAME, photo()).await.expect("it is stored");
    assert_eq!(photos.fetch(NAME).await.expect("it is there"), photo());
}

#[tokio::test]
async fn other_tests_leave_nothing_here() {
    let account = SHARED.fresh_account();
    let photos = box_of(&account).await;
    let missing = photos.fetch(NAME).await;
    assert!(matches!(missing, Err(swift_client::Error::NotFound(_))));
    // Accounts go with the emulator, so nobody has to do this.
    assert!(SHARED.drop_account(&account.account));
}

#[tokio::test]
async fn a_link_works_for_an_hour_and_not_a_second_longer() {
    let emulator = start();
    emulator.clock().freeze();
    let photos = box_of(&emulator.fresh_account()).await;
    photos.store(NAME, photo()).await.expect("it is stored");
    let now = emulator.clock().now().duration_since(UNIX_EPOCH);
    let until = now.expect("it is after 1970").as_secs() + 3600;
    let link = photos.link(NAME, until);
    assert_eq!(status(&link).await, 200);
    for (offset, expected) in [
        (Offset::Before(SECOND), 200),
        (Offset::At, 200),
        (Offset::After(SECOND), 401),
    ] {
        let deadline = emulator.advance_to_next_deadline(offset);
        let deadline = deadline.expect("the link has been used, so its end is known");
        assert_eq!(deadline.object.as_deref(), Some(NAME));
        assert_eq!(status(&link).await, expected);
    }
    let why = emulator.explain(&link, "GET").expect("it is a URL");
    assert_eq!(why.cause, Cause::Expired);
}

#[tokio::test]
async fn a_busy_cloud_costs_time_and_no_photo() {
    let account = SHARED.fresh_account();
    let photos = box_of(&account).await;
    let busy = Fault::on("PUT", "/v1/**")
        .account(&account.account)
        .status(503)
        .retry_after(0)
        .times(2);
    let busy = SHARED.faults().add(busy).expect("it makes sense");
    photos.store(NAME, photo()).await.expect("it is stored");
    assert_eq!(SHARED.faults().fired(busy), 2);
    assert_eq!(photos.fetch(NAME).await.expect("it is there"), photo());
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again() {
    let account = SHARED.fresh_account();
    let photos = box_of(&account).await;
    let lost = Fault::on("PUT", "/v1/**")
        .account(&account.account)
        .reset_after()
        .times(1);
    let lost = SHARED.faults().add(lost).expect("it makes sense");
    photos.store(NAME, photo()).await.expect("it is stored");
    assert_eq!(SHARED.faults().fired(lost), 1);
}

#[tokio::test]
async fn a_session_outlives_its_token() {
    let account = SHARED.fresh_account();
    let photos = box_of(&account).await;
    let refused = Fault::on("*", "/v1/**")
        .account(&account.account)
        .refuse_token()
        .times(1);
    let refused = SHARED.faults().add(refused).expect("it makes sense");
    photos.store(NAME, photo()).await.expect("it is stored");
    assert_eq!(SHARED.faults().fired(refused), 1);
}
