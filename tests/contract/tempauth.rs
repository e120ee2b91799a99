//! Logging in by v1 headers, and whom a token makes of its bearer.

use crate::http::Request;
use crate::target::Target;

fn log_in<'a>(swift: &'a Target, user: &str, key: &str) -> Request<'a> {
    swift
        .get(swift.auth_path())
        .anonymous()
        .header("x-auth-user", user)
        .header("x-auth-key", key)
}

#[tokio::test]
async fn gives_a_token_and_the_storage_url() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(_) = swift.user("test:tester", "testing").await else {
        return;
    };

    let answer = log_in(&swift, "test:tester", "testing").await.is(200);
    let token = answer.header("x-auth-token").expect("a token");
    assert!(
        token.starts_with("AUTH_tk"),
        "the prefix of a token is public"
    );
    assert_eq!(token.len(), 39);
    assert_eq!(answer.header("x-storage-token"), Some(token));
    assert_eq!(
        answer.header("x-storage-url"),
        Some(format!("http://{}/v1/AUTH_test", swift.authority()).as_str())
    );
    let lifetime: u64 = answer
        .header("x-auth-token-expires")
        .expect("a lifetime")
        .parse()
        .expect("seconds");
    assert!((1..=86_400).contains(&lifetime), "{lifetime}");
}

#[tokio::test]
async fn makes_the_storage_url_from_the_host_that_was_asked() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(_) = swift.user("test:tester", "testing").await else {
        return;
    };

    let answer = log_in(&swift, "test:tester", "testing")
        .header("host", "swift.example.org:8080")
        .await
        .is(200);
    assert_eq!(
        answer.header("x-storage-url"),
        Some("http://swift.example.org:8080/v1/AUTH_test")
    );
}

#[tokio::test]
async fn gives_the_same_token_while_it_lives() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(first) = swift.user("test:tester", "testing").await else {
        return;
    };
    let Some(second) = swift.user("test:tester", "testing").await else {
        return;
    };

    assert!(
        first.token == second.token,
        "a second login gave another token"
    );
}

#[tokio::test]
async fn takes_the_other_names_of_the_headers() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(_) = swift.user("test:tester", "testing").await else {
        return;
    };

    let request = || swift.get(swift.auth_path()).anonymous();
    request()
        .header("x-storage-user", "test:tester")
        .header("x-storage-pass", "testing")
        .await
        .is(200);
    let path = swift.auth_path().replace("v1.0", "v1/test/auth");
    swift
        .get(path)
        .anonymous()
        .header("x-storage-user", "tester")
        .header("x-storage-pass", "testing")
        .await
        .is(200);
    // Some clients send the token under its older name, too.
    swift.post(&swift.owner.account).await.is(204);
    swift
        .head(&swift.owner.account)
        .anonymous()
        .header("x-storage-token", &swift.owner.token)
        .await
        .is(204);
}

#[tokio::test]
async fn refuses_a_wrong_name_or_key_with_the_realm_of_the_account() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };

    for (user, key, realm) in [
        ("test:tester", "wrong", "test"),
        ("test:tester", "", "test"),
        ("test:nobody", "testing", "test"),
        ("nobody:tester", "testing", "nobody"),
    ] {
        let answer = log_in(&swift, user, key).await.shows(401);
        assert_eq!(
            answer.header("www-authenticate"),
            Some(format!("Swift realm=\"{realm}\"").as_str()),
            "{user}"
        );
    }
    let answer = swift.get(swift.auth_path()).anonymous().await.shows(401);
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Swift realm=\"unknown\"")
    );
}

#[tokio::test]
async fn logs_in_by_get_only_and_knows_no_other_path() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };

    swift
        .put(swift.auth_path())
        .anonymous()
        .header("x-auth-user", "test:tester")
        .await
        .shows(405);
    swift
        .get(swift.auth_path().replace("v1.0", "v7"))
        .anonymous()
        .await
        .shows(400);
}

#[tokio::test]
async fn refuses_a_request_without_a_valid_token() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let container = swift.container().await;
    let account = swift.owner.account_name().to_owned();
    let realm = format!("Swift realm=\"{account}\"");

    for request in [
        container.get("o").anonymous(),
        container
            .get("o")
            .token("AUTH_tkffffffffffffffffffffffffffffffff"),
        container.get("o").token("nonsense"),
        container.put("o").anonymous(),
        swift.get(&swift.owner.account).anonymous(),
    ] {
        let answer = request.await.shows(401);
        assert_eq!(answer.header("www-authenticate"), Some(realm.as_str()));
    }
}

#[tokio::test]
async fn keeps_strangers_out_of_an_account() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(stranger) = swift.user("test2:tester2", "testing2").await else {
        return;
    };
    let container = swift.container().await;
    container.holds("o", "x").await;

    container.get("o").token(&stranger.token).await.shows(403);
    container
        .put("o")
        .token(&stranger.token)
        .body("y")
        .await
        .shows(403);
    swift
        .get(&swift.owner.account)
        .token(&stranger.token)
        .await
        .shows(403);
    // Whether something exists is nobody else's business.
    container
        .get("nothing")
        .token(&stranger.token)
        .await
        .shows(403);
}

#[tokio::test]
async fn lets_a_reseller_admin_into_every_account() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(admin) = swift.user("admin:admin", "admin").await else {
        return;
    };
    let container = swift.container().await;
    container.holds("o", "x").await;

    assert_eq!(
        container.get("o").token(&admin.token).await.is(200).text(),
        "x"
    );
    container
        .put("p")
        .token(&admin.token)
        .body("y")
        .await
        .is(201);
}

#[tokio::test]
async fn keeps_an_ordinary_user_of_the_account_out_until_an_acl_lets_them_in() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(user) = swift.user("test:tester3", "testing3").await else {
        return;
    };
    let container = swift.container().await;

    container.list("").token(&user.token).await.shows(403);
    swift
        .get(&swift.owner.account)
        .token(&user.token)
        .await
        .shows(403);
}

#[tokio::test]
async fn answers_options_of_the_account_without_a_token() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };

    let options = swift
        .request("OPTIONS", &swift.owner.account)
        .anonymous()
        .await
        .is(200);
    let mut allowed: Vec<_> = options
        .header("allow")
        .expect("the methods")
        .split(", ")
        .collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
}
