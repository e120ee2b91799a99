//! Tokens that one process leaves for the next, against the emulator.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

use std::sync::Arc;
use std::time::Duration;

use emulator::Emulator;
use identity::{Access, Clock, Credentials, HttpSettings, Proxy, Secret, Session, TokenFiles};
use jiff::Timestamp;
use tempfile::TempDir;

/// An emulator with its own clock, and a folder for tokens.
struct World {
    emulator: Emulator,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        emulator.clock().freeze();
        Self {
            emulator,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// As a new process would make it.
    fn session(&self) -> Session {
        self.session_with("testing")
    }

    fn session_with(&self, key: &str) -> Session {
        let clock = self.emulator.clock().clone();
        Session::builder(Credentials::temp_auth(
            self.emulator.auth_url(),
            "test:tester",
            key,
        ))
        .http(HttpSettings {
            proxy: Proxy::Direct,
            ..HttpSettings::default()
        })
        .clock(Clock::new(move || {
            Timestamp::try_from(clock.now()).unwrap()
        }))
        .cache(TokenFiles::new(self.folder.path().join("tokens")))
        .build()
        .unwrap()
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("tokens")) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Puts a token that no server knows in place of the one that is kept, as if that had been revoked.
    fn revoke(&self, access: &Access) {
        for path in self.files() {
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace(token(access), "AUTH_tkrevoked")).unwrap();
        }
    }
}

fn token(access: &Access) -> &str {
    access.token.as_ref().map(Secret::expose).unwrap()
}

#[tokio::test]
async fn the_next_process_takes_the_token_without_signing_in() {
    let mut world = World::new().await;
    let first = world.session().access().await.unwrap();
    let files = world.files();
    assert_eq!(files.len(), 1);
    // With the emulator gone there is nowhere to sign in.
    let second = {
        let session = world.session();
        world.emulator = Emulator::builder().start().await.unwrap();
        session.access().await.unwrap()
    };
    assert_eq!(token(&second), token(&first));
    assert_eq!(second.storage_url, first.storage_url);
    assert_eq!(second.expires_at, first.expires_at);
}

#[tokio::test]
async fn other_credentials_do_not_find_it() {
    let world = World::new().await;
    world.session().access().await.unwrap();
    let error = world.session_with("wrong").access().await.unwrap_err();
    assert!(
        matches!(error, identity::Error::WrongCredentials(_)),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_near_its_end_is_replaced() {
    let world = World::new().await;
    let first = world.session().access().await.unwrap();
    let life = emulator::defaults::TOKEN_LIFE_SECONDS;
    world
        .emulator
        .clock()
        .advance(Duration::from_secs(life - 61));
    let again = world.session().access().await.unwrap();
    assert_eq!(
        token(&again),
        token(&first),
        "a minute and a second is enough"
    );

    world.emulator.clock().advance(Duration::from_secs(62));
    let fresh = world.session().access().await.unwrap();
    assert_ne!(token(&fresh), token(&first));
    assert_eq!(
        token(&world.session().access().await.unwrap()),
        token(&fresh)
    );
}

#[tokio::test]
async fn a_kept_token_that_is_refused_is_replaced_in_the_file_too() {
    let world = World::new().await;
    let first = world.session().access().await.unwrap();
    world.revoke(&first);
    let session = world.session();
    let kept = session.access().await.unwrap();
    assert_eq!(token(&kept), "AUTH_tkrevoked");
    let renewed = session.renew(&kept).await.unwrap();
    assert_eq!(token(&renewed), token(&first));
    assert_eq!(
        token(&world.session().access().await.unwrap()),
        token(&first)
    );
}

#[tokio::test]
async fn what_can_be_sent_only_once_gets_a_token_that_is_not_from_the_cache() {
    let world = World::new().await;
    let first = world.session().access().await.unwrap();
    world.revoke(&first);
    let session = world.session();
    assert_eq!(token(&session.access().await.unwrap()), "AUTH_tkrevoked");
    let sure = session.access_not_cached().await.unwrap();
    assert_eq!(token(&sure), token(&first));
    assert!(Arc::ptr_eq(
        &sure,
        &session.access_not_cached().await.unwrap()
    ));
}

#[tokio::test]
async fn a_ready_token_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::builder(Credentials::token("tk", "http://h/v1/a"))
        .cache(TokenFiles::new(folder.path()))
        .build()
        .unwrap();
    session.access().await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
