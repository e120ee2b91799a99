//! What Keystone's users may do with accounts and containers: the rules of `keystoneauth`, each seen on a real pair of
//! Keystone and Swift.

use emulator::config::Config;
use reqwest::Method;
use serde_json::Value;

use crate::cloud::Cloud;

/// The users that the real pair has as well.
pub(crate) async fn keystone() -> Cloud {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/keystone.toml");
    let config = Config::load(path.as_ref()).expect("the users are sound");
    Cloud::with(config).await
}

struct Bearer {
    token: String,
    user: String,
    project: String,
    account: String,
}

async fn bearer(cloud: &Cloud, user: &str, password: &str, project: &str) -> Bearer {
    let token = cloud.v3_token(user, password, project).await;
    let request = cloud.request(Method::GET, "/v3/auth/tokens");
    let request = request
        .header("x-auth-token", &token)
        .header("x-subject-token", &token);
    let body: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let id = |of: &str| body["token"][of]["id"].as_str().expect("an id").to_owned();
    Bearer {
        account: format!("/v1/AUTH_{}", id("project")),
        user: id("user"),
        project: id("project"),
        token,
    }
}

async fn set_acl(cloud: &Cloud, owner: &Bearer, header: &str, list: &str) {
    let request = cloud.request(Method::POST, &format!("{}/c", owner.account));
    let request = request
        .header("x-auth-token", &owner.token)
        .header(header, list);
    let answer = request
        .header("content-length", 0)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 204, "{list}");
}

#[tokio::test]
async fn an_operator_owns_the_account_of_the_project_and_no_other() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "tester", "testing", "test").await;
    let other = bearer(&cloud, "tester2", "testing2", "test2").await;
    let container = format!("{}/c", owner.account);
    let ask = async |method, path: &str, who: &Bearer| cloud.ask(method, path, &who.token).await.0;
    assert_eq!(ask(Method::PUT, &container, &owner).await, 201);
    assert_eq!(ask(Method::PUT, &container, &other).await, 403);
    assert_eq!(ask(Method::GET, &container, &other).await, 403);
    assert_eq!(
        ask(Method::DELETE, &owner.account, &owner).await,
        403,
        "nobody deletes their own"
    );
    let member = bearer(&cloud, "tester3", "testing3", "test").await;
    assert_eq!(
        ask(Method::GET, &container, &member).await,
        403,
        "no role that counts"
    );
    let admin = bearer(&cloud, "tester6", "testing6", "test").await;
    assert_eq!(ask(Method::GET, &other.account, &admin).await, 204);
    assert_eq!(ask(Method::DELETE, &container, &admin).await, 204);
}

#[tokio::test]
async fn an_owner_stays_one_where_a_list_lets_everybody_in() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "demo", "demo-password", "demo").await;
    let container = format!("{}/c", owner.account);
    assert_eq!(
        cloud.ask(Method::PUT, &container, &owner.token).await.0,
        201
    );
    for list in [".r:*,.rlistings", "*:*"] {
        set_acl(&cloud, &owner, "x-container-read", list).await;
        let (status, answer) = cloud.ask(Method::HEAD, &container, &owner.token).await;
        assert_eq!(status, 204);
        let shown = answer.headers().get("x-container-read");
        assert_eq!(shown.expect("the owner sees it"), list);
    }
}

#[tokio::test]
async fn a_reader_reads_and_sees_nothing_that_is_the_owners_alone() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "demo", "demo-password", "demo").await;
    let reader = bearer(&cloud, "demo-reader", "demo-reader-password", "demo").await;
    let container = format!("{}/c", owner.account);
    assert_eq!(
        cloud.ask(Method::PUT, &container, &owner.token).await.0,
        201
    );
    set_acl(&cloud, &owner, "x-container-read", ".r:*").await;
    let (status, answer) = cloud.ask(Method::GET, &container, &reader.token).await;
    assert_eq!(status, 204);
    assert!(!answer.headers().contains_key("x-container-read"));
    assert_eq!(
        cloud.ask(Method::POST, &container, &reader.token).await.0,
        403
    );
    assert_eq!(
        cloud.ask(Method::DELETE, &container, &reader.token).await.0,
        403
    );
}

#[tokio::test]
async fn a_list_names_projects_and_users_by_id_and_by_star() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "tester", "testing", "test").await;
    let guest = bearer(&cloud, "tester2", "testing2", "test2").await;
    let container = format!("{}/c", owner.account);
    assert_eq!(
        cloud.ask(Method::PUT, &container, &owner.token).await.0,
        201
    );
    let (project, user) = (&guest.project, &guest.user);
    for (list, status) in [
        (format!("{project}:{user}"), 204),
        (format!("{project}:*"), 204),
        (format!("*:{user}"), 204),
        ("*:*".to_owned(), 204),
        (project.clone(), 403),
        (format!("{}:{user}", owner.project), 403),
        ("test2:tester2".to_owned(), 204),
        ("test2:*".to_owned(), 204),
        ("*:tester2".to_owned(), 204),
        ("test:tester2".to_owned(), 403),
        ("swiftoperator".to_owned(), 403),
        (".r:*".to_owned(), 403),
        (".r:*,.rlistings".to_owned(), 204),
    ] {
        set_acl(&cloud, &owner, "x-container-read", &list).await;
        let (answered, _) = cloud.ask(Method::GET, &container, &guest.token).await;
        assert_eq!(answered, status, "{list}");
    }
}

#[tokio::test]
async fn a_role_in_a_list_counts_within_the_project() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "tester", "testing", "test").await;
    let member = bearer(&cloud, "tester3", "testing3", "test").await;
    let container = format!("{}/c", owner.account);
    assert_eq!(
        cloud.ask(Method::PUT, &container, &owner.token).await.0,
        201
    );
    set_acl(&cloud, &owner, "x-container-write", "GUEST").await;
    let object = format!("{container}/o");
    assert_eq!(
        cloud.ask(Method::DELETE, &object, &member.token).await.0,
        404
    );
    assert_eq!(cloud.ask(Method::GET, &object, &member.token).await.0, 403);
}

#[tokio::test]
async fn names_in_a_list_mean_nobody_from_another_domain() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "tester", "testing", "test").await;
    let container = format!("{}/c", owner.account);
    assert_eq!(
        cloud.ask(Method::PUT, &container, &owner.token).await.0,
        201
    );
    let (_, foreign, body) = cloud
        .v3(crate::cloud::in_domain(
            "tester4",
            "testing4",
            "test-domain",
        ))
        .await;
    set_acl(&cloud, &owner, "x-container-read", "test4:tester4").await;
    assert_eq!(cloud.ask(Method::GET, &container, &foreign).await.0, 403);
    let id = |of: &str| body["token"][of]["id"].as_str().expect("an id").to_owned();
    let by_id = format!("{}:{}", id("project"), id("user"));
    set_acl(&cloud, &owner, "x-container-read", &by_id).await;
    assert_eq!(cloud.ask(Method::GET, &container, &foreign).await.0, 204);
}

#[tokio::test]
async fn a_services_account_opens_to_its_owner_and_the_service_together() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "tester", "testing", "test").await;
    let service = bearer(&cloud, "tester5", "testing5", "test5").await;
    let container = format!("/v1/SERVICE_{}/c", owner.project);
    let put = async |token: &str, service: &str| {
        let request = cloud
            .request(Method::PUT, &container)
            .header("content-length", 0);
        let request = request
            .header("x-auth-token", token)
            .header("x-service-token", service.as_bytes());
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(
        put(&owner.token, "gone").await,
        401,
        "a service's token that is none spoils the user's"
    );
    let owners = format!("{}/c", owner.account);
    let request = (cloud.request(Method::PUT, &owners)).header("x-auth-token", &owner.token);
    let request = request.header("x-service-token", "gön".as_bytes());
    let refused = request.send().await.expect("an answer");
    assert_eq!(refused.status(), 401, "in whatever letters");
    assert_eq!(
        cloud.ask(Method::PUT, &container, &owner.token).await.0,
        403
    );
    assert_eq!(put(&owner.token, &owner.token).await, 403);
    assert_eq!(put(&service.token, &service.token).await, 403);
    assert_eq!(put(&owner.token, &service.token).await, 201);
}

#[tokio::test]
async fn an_account_is_told_the_domain_of_its_project() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "tester", "testing", "test").await;
    assert_eq!(
        cloud
            .ask(Method::PUT, &format!("{}/c", owner.account), &owner.token)
            .await
            .0,
        201
    );
    let (_, answer) = cloud.ask(Method::HEAD, &owner.account, &owner.token).await;
    assert_eq!(answer.headers()["x-account-project-domain-id"], "default");
}

#[tokio::test]
async fn a_token_for_no_project_opens_nothing() {
    let cloud = keystone().await;
    let owner = bearer(&cloud, "tester", "testing", "test").await;
    let mut auth = crate::cloud::v3_password("tester", "testing");
    auth["scope"] = "unscoped".into();
    let (_, unscoped, body) = cloud.v3(auth).await;
    assert!(body["token"]["catalog"].is_null() && body["token"]["project"].is_null());
    assert_eq!(
        cloud.ask(Method::GET, &owner.account, &unscoped).await.0,
        401
    );
}
