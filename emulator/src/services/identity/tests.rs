//! Tokens: given, given again, run out, revoked.

use std::time::UNIX_EPOCH;

use super::*;
use crate::defaults;

const NOW: SystemTime = UNIX_EPOCH;

fn identity() -> Identity {
    Identity::new(&Config::default()).expect("the defaults are sound")
}

fn sign_in(identity: &Identity, login: &str, key: &str, now: SystemTime) -> Arc<Token> {
    let person = identity.by_key(login, key).expect("a user with this key");
    let wanted = Wanted::at_home(&person, Door::V1);
    identity
        .issue(&person, wanted, now)
        .expect("the user is there")
}

fn tester(identity: &Identity, now: SystemTime) -> Arc<Token> {
    sign_in(identity, "test:tester", "testing", now)
}

fn groups(token: &Token) -> &[String] {
    match &*token.user {
        User::Groups(user) => &user.groups,
        User::Roles(_) => &[],
    }
}

#[test]
fn knows_a_token_to_the_last_moment_of_its_life_and_not_after() {
    let identity = identity();
    let token = tester(&identity, NOW);
    assert!(token.id.starts_with("AUTH_tk"));
    assert!(identity.authenticate(&token.id, token.expires).is_some());
    let after = token.expires + Duration::from_nanos(1);
    assert!(identity.authenticate(&token.id, after).is_none());
}

#[test]
fn gives_the_same_token_until_it_runs_out_or_is_revoked() {
    let identity = identity();
    let first = tester(&identity, NOW);
    let later = first.expires - Duration::from_secs(1);
    assert_eq!(tester(&identity, later).id, first.id);
    let second = tester(&identity, first.expires);
    assert_ne!(second.id, first.id);
    assert!(identity.authenticate(&first.id, NOW).is_none());
    assert!(identity.tokens.revoke(&second.id));
    assert_ne!(tester(&identity, first.expires).id, second.id);
}

#[test]
fn replaces_admin_by_the_accounts_it_stands_for() {
    let identity = identity();
    assert_eq!(
        groups(&tester(&identity, NOW)),
        ["test", "test:tester", "AUTH_test", "SERVICE_test"]
    );
    let other = sign_in(&identity, "test:tester3", "testing3", NOW);
    assert_eq!(groups(&other), ["test", "test:tester3"]);
}

#[test]
fn a_key_fits_only_the_whole_name_and_only_as_it_is() {
    let identity = identity();
    assert!(identity.by_key("test:tester", "testin").is_none());
    assert!(identity.by_key("tester", "testing").is_none());
    let (user, key) = (defaults::RACKSPACE_USER, defaults::RACKSPACE_PASSWORD);
    assert!(identity.by_key(user, key).is_none());
}

#[test]
fn an_account_made_at_run_time_comes_and_goes_with_its_tokens() {
    let identity = identity();
    let key = Secret::from("a key");
    assert!(identity.add_account("fresh", "owner", &key));
    assert!(!identity.add_account("fresh", "another", &key));
    assert!(!identity.add_account("test", "another", &key));
    let token = sign_in(&identity, "fresh:owner", "a key", NOW);
    assert_eq!(
        identity
            .token_of("fresh:owner", NOW)
            .map(|token| token.id.clone()),
        Some(token.id.clone())
    );
    assert_eq!(identity.token_expiries(NOW).len(), 1);
    let kept = tester(&identity, NOW);

    assert!(identity.remove_account("AUTH_fresh"));
    assert!(!identity.remove_account("AUTH_fresh"));
    assert!(identity.authenticate(&token.id, NOW).is_none());
    assert!(identity.by_key("fresh:owner", "a key").is_none());
    let wanted = Wanted::at_home(&token.person, Door::V1);
    assert!(identity.issue(&token.person, wanted, NOW).is_none());
    assert!(identity.authenticate(&kept.id, NOW).is_some());
    assert!(
        identity.add_account("fresh", "owner", &key),
        "the name is free again"
    );
}

#[test]
fn a_reset_leaves_the_users_of_the_configuration_and_no_token() {
    let identity = identity();
    let token = tester(&identity, NOW);
    identity.add_account("fresh", "owner", &Secret::from("a key"));
    identity.remove_account("AUTH_test2");
    identity.reset();
    assert!(identity.authenticate(&token.id, NOW).is_none());
    assert!(identity.by_key("fresh:owner", "a key").is_none());
    assert!(identity.by_key("test2:tester2", "testing2").is_some());
}

#[test]
fn keeps_no_tokens_that_ran_out_long_ago() {
    let identity = identity();
    let person = identity
        .by_key("test:tester", "testing")
        .expect("a default user");
    let mut now = NOW;
    for _ in 0..1000 {
        let wanted = Wanted::at_home(&person, Door::V3);
        identity
            .issue(&person, wanted, now)
            .expect("the user is there");
        now += identity.token_life / 4;
    }
    assert!(identity.tokens.count() <= 32, "{}", identity.tokens.count());
}

#[test]
fn shows_neither_secrets_nor_tokens() {
    let identity = identity();
    let token = tester(&identity, NOW);
    let shown = format!("{identity:?} {token:?} {:?}", token.person);
    assert!(shown.contains("test:tester"));
    assert!(!shown.contains("testing"), "{shown}");
    assert!(!shown.contains(&token.id), "{shown}");
}
