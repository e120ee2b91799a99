//! Signing in by Rackspace's identity v1.0 and v2.0 and by Keystone's v3, and what a token opens until it runs out.

use std::time::Duration;

use emulator::Emulator;
use emulator::defaults::{
    APPLICATION_CREDENTIAL_ID, APPLICATION_CREDENTIAL_SECRET, RACKSPACE_ACCOUNT, RACKSPACE_API_KEY,
    RACKSPACE_PASSWORD, RACKSPACE_TENANT, RACKSPACE_USER, TOKEN_LIFE_SECONDS,
};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

struct Cloud {
    emulator: Emulator,
    client: Client,
}

impl Cloud {
    async fn start() -> Self {
        // reqwest insists on one though nothing here is encrypted; another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            emulator: Emulator::builder().start().await.expect("it starts"),
            client: Client::builder().no_proxy().build().expect("a client"),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.url())
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Response) {
        let request = self.client.post(self.url(path)).json(body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer)
    }

    async fn ask(&self, method: Method, path: &str, token: &str) -> (u16, Response) {
        let request = self.client.request(method, self.url(path));
        let request = request.header("x-auth-token", token);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer)
    }

    async fn v2(&self, auth: Value) -> (u16, Value) {
        let (status, answer) = self.post("/v2.0/tokens", &json!({ "auth": auth })).await;
        (status, answer.json().await.expect("JSON"))
    }

    /// The status, the token and the body.
    async fn v3(&self, auth: Value) -> (u16, String, Value) {
        let (status, answer) = self.post("/v3/auth/tokens", &json!({ "auth": auth })).await;
        let token = answer.headers().get("x-subject-token");
        let token = token
            .map_or("", |token| token.to_str().expect("text"))
            .to_owned();
        (status, token, answer.json().await.expect("JSON"))
    }

    async fn rackspace_token(&self) -> String {
        let (_, body) = self.v2(api_key(RACKSPACE_API_KEY)).await;
        let token = body["access"]["token"]["id"].as_str();
        token.expect("a token").to_owned()
    }
}

fn api_key(key: &str) -> Value {
    json!({"RAX-KSKEY:apiKeyCredentials": {"username": RACKSPACE_USER, "apiKey": key}})
}

fn password(user: &str, password: &str) -> Value {
    json!({"passwordCredentials": {"username": user, "password": password}})
}

fn v3_password(user: &str, password: &str) -> Value {
    let user = json!({"name": user, "password": password, "domain": {"id": "default"}});
    json!({"identity": {"methods": ["password"], "password": {"user": user}}})
}

fn storage() -> String {
    format!("/v1/{RACKSPACE_ACCOUNT}")
}

#[tokio::test]
async fn an_api_key_and_a_password_open_storage_and_cdn_of_the_same_account() {
    let cloud = Cloud::start().await;
    for (credentials, by) in [
        (api_key(RACKSPACE_API_KEY), "APIKEY"),
        (password(RACKSPACE_USER, RACKSPACE_PASSWORD), "PASSWORD"),
    ] {
        let (status, body) = cloud.v2(credentials).await;
        assert_eq!(status, 200);
        let access = &body["access"];
        assert_eq!(access["token"]["RAX-AUTH:authenticatedBy"], json!([by]));
        assert_eq!(access["token"]["tenant"]["id"], RACKSPACE_TENANT);
        let catalog = access["serviceCatalog"].as_array().expect("a catalog");
        let urls: Vec<_> = catalog
            .iter()
            .map(|service| (&service["type"], &service["endpoints"][0]["publicURL"]))
            .collect();
        let (store, cdn) = (
            cloud.url(&storage()),
            cloud.url(&format!("/cdn{}", storage())),
        );
        assert_eq!(
            urls,
            [
                (&json!("object-store"), &json!(store)),
                (&json!("rax:object-cdn"), &json!(cdn))
            ]
        );
    }
    let token = cloud.rackspace_token().await;
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 200);
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &token).await.0,
        403
    );
    assert_eq!(cloud.ask(Method::HEAD, &storage(), "another").await.0, 401);
}

#[tokio::test]
async fn a_refusal_says_why_in_rackspaces_shape() {
    let cloud = Cloud::start().await;
    let demo = || password(RACKSPACE_USER, RACKSPACE_PASSWORD);
    let in_tenants = |id: Value, name: Value| {
        let mut auth = demo();
        auth["tenantId"] = id;
        auth["tenantName"] = name;
        auth
    };
    for (auth, status, name) in [
        (api_key("wrong"), 401, "unauthorized"),
        (api_key(RACKSPACE_PASSWORD), 401, "unauthorized"),
        (password("nobody", "x"), 401, "unauthorized"),
        (in_tenants(json!("9"), Value::Null), 401, "unauthorized"),
        (in_tenants(json!("1"), json!("2")), 400, "badRequest"),
        (json!({}), 400, "badRequest"),
        (json!("text"), 400, "badRequest"),
        (
            json!({"passwordCredentials": {"username": 5}}),
            400,
            "badRequest",
        ),
        (json!({"token": {"id": "gone"}}), 404, "itemNotFound"),
    ] {
        let (answered, body) = cloud.v2(auth.clone()).await;
        assert_eq!(
            (answered, &body[name]["code"]),
            (status, &json!(status)),
            "{auth}"
        );
    }
    let (status, _) = cloud.v2(in_tenants(json!(123_456), Value::Null)).await;
    assert_eq!(status, 200, "a tenant may be a number");
}

#[tokio::test]
async fn a_token_is_good_for_a_day_to_the_second() {
    let cloud = Cloud::start().await;
    cloud.emulator.clock().freeze();
    let token = cloud.rackspace_token().await;
    cloud
        .emulator
        .clock()
        .advance(Duration::from_secs(TOKEN_LIFE_SECONDS));
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 200);
    cloud.emulator.clock().advance(Duration::from_secs(1));
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 401);
    assert_ne!(cloud.rackspace_token().await, token);
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_and_is_not_given_again() {
    let cloud = Cloud::start().await;
    let token = cloud.rackspace_token().await;
    assert_eq!(cloud.rackspace_token().await, token);
    let its_own = format!("/v2.0/tokens/{token}");
    assert_eq!(cloud.ask(Method::GET, &its_own, &token).await.0, 200);
    assert_eq!(
        cloud.ask(Method::DELETE, "/v2.0/tokens", &token).await.0,
        204
    );
    assert_eq!(cloud.ask(Method::GET, &its_own, &token).await.0, 401);
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 401);
    assert_ne!(cloud.rackspace_token().await, token);
}

#[tokio::test]
async fn nobody_revokes_the_token_of_another() {
    let cloud = Cloud::start().await;
    let (_, victim, _) = cloud.v3(v3_password("test:tester", "testing")).await;
    let token = cloud.rackspace_token().await;
    let path = format!("/v2.0/tokens/{victim}");
    assert_eq!(cloud.ask(Method::DELETE, &path, &token).await.0, 403);
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &victim).await.0,
        200
    );
}

#[tokio::test]
async fn keystone_takes_passwords_tokens_and_application_credentials() {
    let cloud = Cloud::start().await;
    let (status, token, body) = cloud.v3(v3_password("test:tester", "testing")).await;
    assert_eq!(status, 201);
    assert_eq!(body["token"]["project"]["id"], "test");
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &token).await.0,
        200
    );

    let mut within_project = v3_password("tester", "testing");
    within_project["scope"] = json!({"project": {"name": "test", "domain": {"name": "Default"}}});
    let credential =
        json!({"id": APPLICATION_CREDENTIAL_ID, "secret": APPLICATION_CREDENTIAL_SECRET});
    for auth in [
        within_project,
        json!({"identity": {"methods": ["token"], "token": {"id": token}}}),
        json!({"identity": {
            "methods": ["application_credential"],
            "application_credential": credential
        }}),
    ] {
        let (status, another, _) = cloud.v3(auth.clone()).await;
        assert_eq!(status, 201, "{auth}");
        assert_ne!(another, token, "Keystone never gives the same token again");
        let (status, _) = cloud.ask(Method::HEAD, "/v1/AUTH_test", &another).await;
        assert!((200..300).contains(&status), "{auth}: {status}");
    }
}

#[tokio::test]
async fn keystone_refuses_what_does_not_fit() {
    let cloud = Cloud::start().await;
    let mut elsewhere = v3_password("test:tester", "testing");
    elsewhere["scope"] = json!({"project": {"id": "test2"}});
    let mut foreign = v3_password("test:tester", "testing");
    foreign["identity"]["password"]["user"]["domain"] = json!({"name": "elsewhere"});
    let secret = json!({"id": APPLICATION_CREDENTIAL_ID, "secret": "wrong"});
    for (auth, expected) in [
        (v3_password("test:tester", "wrong"), 401),
        (v3_password("tester2", "testing2"), 401),
        (elsewhere, 401),
        (foreign, 401),
        (
            json!({"identity": {
                "methods": ["application_credential"],
                "application_credential": secret
            }}),
            401,
        ),
        (json!({"identity": {"methods": []}}), 401),
        (json!({}), 400),
    ] {
        let (status, token, body) = cloud.v3(auth.clone()).await;
        assert_eq!((status, &*token), (expected, ""), "{auth}");
        assert_eq!(body["error"]["code"], expected);
    }
}

#[tokio::test]
async fn old_clients_sign_in_by_headers() {
    let cloud = Cloud::start().await;
    let sign_in = |key: &'static str| {
        let request = cloud.client.get(cloud.url("/v1.0"));
        request
            .header("x-auth-user", RACKSPACE_USER)
            .header("x-auth-key", key)
            .send()
    };
    let answer = sign_in(RACKSPACE_API_KEY).await.expect("an answer");
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["x-storage-url"], cloud.url(&storage()));
    assert_eq!(
        answer.headers()["x-auth-token"],
        answer.headers()["x-storage-token"]
    );
    assert!(answer.headers().contains_key("x-cdn-management-url"));
    assert_eq!(sign_in("wrong").await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn tells_of_its_versions_to_those_who_want_json() {
    let cloud = Cloud::start().await;
    let request = cloud
        .client
        .get(cloud.url("/"))
        .header("accept", "application/json");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 300);
    let plain = cloud
        .client
        .get(cloud.url("/"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(plain.status(), 404, "without it, Swift's root is empty");
    for version in ["/v2.0", "/v3", "/v3/"] {
        assert_eq!(cloud.ask(Method::GET, version, "").await.0, 200);
    }
}
