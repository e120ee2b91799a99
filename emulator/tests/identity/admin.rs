//! What Keystone's admins make and take away, and what their users keep for themselves.

use reqwest::Method;
use serde_json::{Value, json};

use crate::access::keystone;
use crate::cloud::{Cloud, v3_password};

async fn made(cloud: &Cloud, admin: &str, kind: &str, members: Value) -> String {
    let path = format!("/v3/{kind}s");
    let (status, body) = cloud
        .call(Method::POST, &path, admin, json!({ kind: members }))
        .await;
    assert_eq!(status, 201, "{body}");
    body[kind]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_user_made_and_given_a_role_signs_in_and_stores_until_the_role_is_taken() {
    let cloud = keystone().await;
    let admin = cloud.v3_token("admin", "admin", "demo").await;
    let project = made(&cloud, &admin, "project", json!({"name": "new"})).await;
    let user = made(
        &cloud,
        &admin,
        "user",
        json!({"name": "ann", "password": "s3cret"}),
    )
    .await;
    let (_, roles) = cloud
        .call(
            Method::GET,
            "/v3/roles?name=swiftoperator",
            &admin,
            Value::Null,
        )
        .await;
    let role = roles["roles"][0]["id"].as_str().expect("the role is there");
    let grant = format!("/v3/projects/{project}/users/{user}/roles/{role}");
    let call = async |method, path: &str| cloud.call(method, path, &admin, Value::Null).await.0;

    assert_eq!(call(Method::HEAD, &grant).await, 404);
    assert_eq!(call(Method::PUT, &grant).await, 204);
    assert_eq!(call(Method::HEAD, &grant).await, 204);
    let token = cloud.v3_token("ann", "s3cret", "new").await;
    let container = format!("/v1/AUTH_{project}/c");
    assert_eq!(cloud.ask(Method::PUT, &container, &token).await.0, 201);
    let listed = format!("/v3/role_assignments?user.id={user}");
    let (_, listed) = cloud.call(Method::GET, &listed, &admin, Value::Null).await;
    assert_eq!(
        listed["role_assignments"][0]["scope"]["project"]["id"],
        *project
    );

    assert_eq!(call(Method::DELETE, &grant).await, 204);
    assert_eq!(cloud.ask(Method::GET, &container, &token).await.0, 401);
    assert_eq!(
        call(Method::DELETE, &format!("/v3/users/{user}")).await,
        204
    );
    assert_eq!(cloud.v3(v3_password("ann", "s3cret")).await.0, 401);
    assert_eq!(
        call(Method::DELETE, &format!("/v3/projects/{project}")).await,
        204
    );
    assert_eq!(
        call(Method::GET, &format!("/v3/projects/{project}")).await,
        404
    );
}

#[tokio::test]
async fn who_is_no_admin_makes_nothing() {
    let cloud = keystone().await;
    let token = cloud.v3_token("tester", "testing", "test").await;
    for kind in ["project", "user", "role", "domain"] {
        let path = format!("/v3/{kind}s");
        let body = json!({ kind: {"name": "new"} });
        let (status, answer) = cloud.call(Method::POST, &path, &token, body).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (403, &json!(403)),
            "{kind}"
        );
        assert_eq!(
            cloud.call(Method::GET, &path, &token, Value::Null).await.0,
            403,
            "{kind}"
        );
        assert_eq!(
            cloud.call(Method::GET, &path, "gone", Value::Null).await.0,
            401,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let cloud = keystone().await;
    let admin = cloud.v3_token("admin", "admin", "demo").await;
    let token = cloud.v3_token("tester", "testing", "test").await;
    let (_, found) = cloud
        .call(Method::GET, "/v3/users?name=tester", &admin, Value::Null)
        .await;
    let user = format!(
        "/v3/users/{}",
        found["users"][0]["id"].as_str().expect("an id")
    );
    let body = |enabled: bool| json!({"user": {"enabled": enabled}});
    assert_eq!(
        cloud
            .call(Method::PATCH, &user, &admin, body(false))
            .await
            .0,
        200
    );
    assert_eq!(
        cloud
            .call(Method::GET, "/v3/auth/projects", &token, Value::Null)
            .await
            .0,
        401
    );
    assert_eq!(cloud.v3(v3_password("tester", "testing")).await.0, 401);
    assert_eq!(
        cloud.call(Method::PATCH, &user, &admin, body(true)).await.0,
        200
    );
    assert_eq!(cloud.v3(v3_password("tester", "testing")).await.0, 201);
}

#[tokio::test]
async fn an_application_credential_is_made_used_and_gone() {
    let cloud = keystone().await;
    let token = cloud.v3_token("tester", "testing", "test").await;
    let (_, found) = cloud
        .call(Method::GET, "/v3/auth/projects", &token, Value::Null)
        .await;
    let project = found["projects"][0]["id"].as_str().expect("an id");
    let admin = cloud.v3_token("admin", "admin", "demo").await;
    let (_, found) = cloud
        .call(Method::GET, "/v3/users?name=tester", &admin, Value::Null)
        .await;
    let user = found["users"][0]["id"].as_str().expect("an id");
    let all = format!("/v3/users/{user}/application_credentials");
    let body = json!({"application_credential": {"name": "job"}});
    let (status, made) = cloud.call(Method::POST, &all, &token, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(cloud.call(Method::POST, &all, &token, body).await.0, 409);
    let made = &made["application_credential"];
    let (id, secret) = (made["id"].as_str().expect("an id"), &made["secret"]);

    let methods = json!(["application_credential"]);
    let by =
        |shown: Value| json!({"identity": {"methods": methods, "application_credential": shown}});
    let tester = json!({"name": "tester", "domain": {"id": "default"}});
    let (status, one, _) = cloud.v3(by(json!({"id": id, "secret": secret}))).await;
    assert_eq!(status, 201);
    let named = by(json!({"name": "job", "user": tester, "secret": secret}));
    assert_eq!(cloud.v3(named).await.0, 201);
    assert_eq!(
        cloud.v3(by(json!({"id": id, "secret": "wrong"}))).await.0,
        401
    );
    let container = format!("/v1/AUTH_{project}/c");
    assert_eq!(cloud.ask(Method::PUT, &container, &one).await.0, 201);
    let another = json!({"application_credential": {"name": "another"}});
    assert_eq!(
        cloud.call(Method::POST, &all, &one, another).await.0,
        403,
        "it is restricted"
    );
    let again = json!({"identity": {"methods": ["token"], "token": {"id": one}}});
    assert_eq!(cloud.v3(again).await.0, 403, "nor is it a way to more");
    let (_, shown) = cloud
        .call(Method::GET, &format!("{all}/{id}"), &token, Value::Null)
        .await;
    assert!(
        shown["application_credential"]["secret"].is_null(),
        "it is told once"
    );

    let gone = format!("{all}/{id}");
    assert_eq!(
        cloud
            .call(Method::DELETE, &gone, &token, Value::Null)
            .await
            .0,
        204
    );
    assert_eq!(cloud.ask(Method::GET, &container, &one).await.0, 401);
    assert_eq!(
        cloud.v3(by(json!({"id": id, "secret": secret}))).await.0,
        404,
        "Keystone does not find it"
    );
}

#[tokio::test]
async fn malformed_bodies_are_refused_in_keystones_words_and_change_nothing() {
    let cloud = keystone().await;
    let admin = cloud.v3_token("admin", "admin", "demo").await;
    let (_, before) = cloud
        .call(Method::GET, "/v3/users", &admin, Value::Null)
        .await;
    for path in [
        "/v3/auth/tokens",
        "/v3/users",
        "/v3/projects",
        "/v3/roles",
        "/v3/domains",
    ] {
        let huge = format!("{{\"user\": {{\"name\": \"{}\"}}}}", "x".repeat(70_000));
        for body in [
            "",
            "{",
            "[]",
            "null",
            "5",
            "\"text\"",
            "{\"user\": 5}",
            "{\"user\": {}}",
            "{\"user\": {\"name\": 5}}",
            "{\"project\": {\"name\": \"\"}}",
            "{\"auth\": {\"identity\": []}}",
            "{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": []}}}}",
            "{\"role\": {\"name\": null}}",
            "{\"domain\": []}",
            "\u{0}",
            &huge,
        ] {
            let request = cloud
                .request(Method::POST, path)
                .header("x-auth-token", &admin);
            let answer = request
                .body(body.to_owned())
                .send()
                .await
                .expect("an answer");
            let status = answer.status().as_u16();
            let answer: Value = answer.json().await.expect("JSON");
            let shown: String = body.chars().take(60).collect();
            assert_eq!(
                (status, &answer["error"]["code"]),
                (400, &json!(400)),
                "{path} {shown}"
            );
            assert!(answer["error"]["title"].is_string() && answer["error"]["message"].is_string());
        }
    }
    let (_, after) = cloud
        .call(Method::GET, "/v3/users", &admin, Value::Null)
        .await;
    assert_eq!(before, after);
}
