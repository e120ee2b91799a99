//! An emulator and what tests ask of its identity services.

use emulator::Emulator;
use emulator::config::Config;
use emulator::defaults::{RACKSPACE_ACCOUNT, RACKSPACE_API_KEY, RACKSPACE_USER};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// An emulator, and a client that follows no proxy.
pub(crate) struct Cloud {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        // reqwest insists on one though nothing here is encrypted; another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            emulator: Emulator::builder()
                .config(config)
                .start()
                .await
                .expect("it starts"),
            client: Client::builder().no_proxy().build().expect("a client"),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.url())
    }

    /// A request in the making.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends a request with a token and a body. The status, and the body as JSON or null.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> (u16, Value) {
        let mut request = self.request(method, path).header("x-auth-token", token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// The token of a Keystone user in a project of the default domain.
    pub(crate) async fn v3_token(&self, user: &str, secret: &str, project: &str) -> String {
        let mut auth = v3_password(user, secret);
        auth["scope"] = json!({"project": {"name": project, "domain": {"id": "default"}}});
        let (status, token, body) = self.v3(auth).await;
        assert_eq!(status, 201, "{body}");
        token
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Response) {
        let request = self.client.post(self.url(path)).json(body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer)
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, token: &str) -> (u16, Response) {
        let request = self.client.request(method, self.url(path));
        let request = request.header("x-auth-token", token);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer)
    }

    pub(crate) async fn v2(&self, auth: Value) -> (u16, Value) {
        let (status, answer) = self.post("/v2.0/tokens", &json!({ "auth": auth })).await;
        (status, answer.json().await.expect("JSON"))
    }

    /// The status, the token and the body.
    pub(crate) async fn v3(&self, auth: Value) -> (u16, String, Value) {
        let (status, answer) = self.post("/v3/auth/tokens", &json!({ "auth": auth })).await;
        let token = answer.headers().get("x-subject-token");
        let token = token
            .map_or("", |token| token.to_str().expect("text"))
            .to_owned();
        (status, token, answer.json().await.expect("JSON"))
    }

    pub(crate) async fn rackspace_token(&self) -> String {
        let (_, body) = self.v2(api_key(RACKSPACE_API_KEY)).await;
        let token = body["access"]["token"]["id"].as_str();
        token.expect("a token").to_owned()
    }
}

pub(crate) fn api_key(key: &str) -> Value {
    json!({"RAX-KSKEY:apiKeyCredentials": {"username": RACKSPACE_USER, "apiKey": key}})
}

pub(crate) fn password(user: &str, password: &str) -> Value {
    json!({"passwordCredentials": {"username": user, "password": password}})
}

pub(crate) fn v3_password(user: &str, password: &str) -> Value {
    let user = json!({"name": user, "password": password, "domain": {"id": "default"}});
    json!({"identity": {"methods": ["password"], "password": {"user": user}}})
}

pub(crate) fn storage() -> String {
    format!("/v1/{RACKSPACE_ACCOUNT}")
}

/// A password of a user in another domain than the default one.
pub(crate) fn in_domain(user: &str, secret: &str, domain: &str) -> Value {
    let mut auth = v3_password(user, secret);
    auth["identity"]["password"]["user"]["domain"] = json!({ "name": domain });
    auth
}
