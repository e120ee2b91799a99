//! `/_emulator/accounts` and `/_emulator/reset`.

use serde_json::{Value, json};

use super::Control;
use super::support::{Answer, http};

/// A fresh account's own words.
struct Account(Value);

impl Account {
    fn of(control: &Control) -> Self {
        Self(control.post("accounts", "").is(201).json())
    }

    fn get(&self, name: &str) -> &str {
        self.0[name].as_str().expect(name)
    }

    fn send_as(&self, token: &str, method: &str, path: &str) -> Answer {
        let url = format!("{}{path}", self.get("storage_url"));
        http(method, &url, &[("X-Auth-Token", token)], b"hello")
    }

    fn send(&self, method: &str, path: &str) -> Answer {
        self.send_as(self.get("token"), method, path)
    }

    /// Puts an object, publishes its container, and fetches it once. The address at the edge.
    fn fill(&self) -> String {
        self.send("PUT", "/c").is(201);
        self.send("PUT", "/c/o").is(201);
        let url = format!("{}/c", self.get("cdn_management_url"));
        let headers = [("X-Auth-Token", self.get("token"))];
        let published = http("PUT", &url, &headers, b"").is(201);
        let at_edge = format!("{}/o", published.header("x-cdn-uri"));
        http("GET", &at_edge, &[], b"").is(200);
        at_edge
    }
}

fn post_json(url: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    http("POST", url, &headers, body.to_string().as_bytes())
}

#[test]
fn a_fresh_account_is_open_to_its_owner_through_every_door() {
    let control = Control::start();
    let account = Account::of(&control);
    account.send("PUT", "/c").is(201);

    let (user, key) = (account.get("user"), account.get("key"));
    let credentials = [("X-Auth-User", user), ("X-Auth-Key", key)];
    let v1 = http("GET", account.get("auth_url"), &credentials, b"").is(200);
    assert_eq!(v1.header("x-storage-url"), account.get("storage_url"));
    account
        .send_as(v1.header("x-auth-token"), "GET", "/c")
        .is(204);

    let v2 = format!("{}/tokens", account.get("identity_v2_url"));
    let tenant = account.get("project");
    for auth in [
        json!({"RAX-KSKEY:apiKeyCredentials": {"username": user, "apiKey": key}}),
        json!({"passwordCredentials": {"username": user, "password": key}, "tenantName": tenant}),
    ] {
        let signed_in = post_json(&v2, &json!({ "auth": auth })).is(200).json();
        let token = signed_in["access"]["token"]["id"].as_str();
        let token = token.expect("a token");
        account.send_as(token, "GET", "/c").is(204);
        let catalog = signed_in["access"]["serviceCatalog"].to_string();
        assert!(catalog.contains(account.get("storage_url")), "{catalog}");
        let cdn = account.get("cdn_management_url");
        assert!(catalog.contains(cdn), "{catalog}");
    }

    let v3 = format!("{}/auth/tokens", account.get("identity_v3_url"));
    let domain = json!({"id": account.get("domain")});
    let auth = json!({"auth": {
        "identity": {"methods": ["password"], "password": {
            "user": {"name": user, "domain": domain, "password": key}
        }},
        "scope": {"project": {"name": tenant, "domain": domain}}
    }});
    let signed_in = post_json(&v3, &auth).is(201);
    let token = signed_in.header("x-subject-token");
    account.send_as(token, "GET", "/c").is(204);
}

#[test]
fn fresh_accounts_do_not_see_each_other() {
    let control = Control::start();
    let (one, other) = (Account::of(&control), Account::of(&control));
    assert_ne!(one.get("account"), other.get("account"));
    one.send("PUT", "/c").is(201);
    other.send("GET", "/c").is(404);
    one.send_as(other.get("token"), "GET", "/c").is(403);
}

#[test]
fn a_dropped_account_is_gone_with_all_that_was_its() {
    let control = Control::start();
    let account = Account::of(&control);
    let other = Account::of(&control);
    let at_edge = account.fill();
    let path = format!("accounts/{}", account.get("account"));
    control.send("DELETE", &path, "").is(204);

    account.send("GET", "/c/o").is(401);
    let credentials = [
        ("X-Auth-User", account.get("user")),
        ("X-Auth-Key", account.get("key")),
    ];
    http("GET", account.get("auth_url"), &credentials, b"").is(401);
    http("GET", &at_edge, &[], b"").is(404);
    control.refuses("DELETE", &path, "", 404, "account");
    let names = control.get("accounts").to_string();
    assert!(!names.contains(account.get("account")), "{names}");
    // Whoever makes the same account again finds it new, not marked as removed.
    let body = json!({"project": account.get("project")}).to_string();
    let again = Account(control.post("accounts", &body).is(201).json());
    again.send("PUT", "/c").is(201);
    again.send("GET", "/c").is(204);
    other.send("PUT", "/c").is(201);
}

#[test]
fn a_reset_account_is_empty_and_still_open_to_its_owner() {
    let control = Control::start();
    let (account, other) = (Account::of(&control), Account::of(&control));
    let at_edge = account.fill();
    other.fill();
    let path = format!("accounts/{}/reset", account.get("account"));
    control.post(&path, "").is(204);
    account.send("GET", "/c/o").is(404);
    http("GET", &at_edge, &[], b"").is(404);
    account.send("PUT", "/c").is(201);
    other.send("GET", "/c/o").is(200);
    control.refuses("POST", "accounts/AUTH_nobody/reset", "", 404, "account");
}

#[test]
fn accounts_are_listed_with_what_they_hold() {
    let control = Control::start();
    let account = Account::of(&control);
    account.fill();
    let list = control.get("accounts");
    let list = list["accounts"].as_array().expect("a list");
    let find = |name: &str| list.iter().find(|one| one["account"] == name).cloned();
    assert_eq!(
        find(account.get("account")).expect("it is there"),
        json!({"account": account.get("account"), "fresh": true, "containers": 1, "objects": 1, "bytes": 5})
    );
    assert_eq!(find("AUTH_test").expect("it is there")["fresh"], false);
}

#[test]
fn a_reset_takes_everything_back_to_the_start() {
    let control = Control::start();
    let account = Account::of(&control);
    let at_edge = account.fill();
    control.post("clock/freeze", "").is(200);
    control
        .post("clock/set", r#"{"now":"2040-01-01T00:00:00Z"}"#)
        .is(200);
    let keep = r#"{"clock":"keep"}"#;
    control.post("reset", keep).is(204);
    let clock = control.get("clock");
    assert_eq!(clock["now"], "2040-01-01T00:00:00Z");
    assert_eq!(clock["frozen"], true);
    account.send("GET", "/c/o").is(401);
    http("GET", &at_edge, &[], b"").is(404);

    control.post("reset", "").is(204);
    let clock = control.get("clock");
    assert_eq!(clock["frozen"], false);
    assert!(clock["offset_seconds"].as_f64().expect("seconds").abs() < 60.0);
    assert_eq!(control.get("deadlines")["deadlines"], json!([]));
    let list = control.get("accounts").to_string();
    assert!(!list.contains("fresh_"), "{list}");
    // Those who were there at the start may sign in again.
    let credentials = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
    http("GET", &control.emulator.auth_url(), &credentials, b"").is(200);
}

#[test]
fn what_is_wrong_with_a_request_is_named_and_nothing_is_made() {
    let control = Control::start();
    let account = Account::of(&control);
    account.fill();
    let before = control.get("accounts");
    let long = format!(r#"{{"project":"{}"}}"#, "x".repeat(65));
    for (path, body, status, field) in [
        ("accounts", r#"{"project":""}"#, 400, "project"),
        ("accounts", r#"{"project":"a:b"}"#, 400, "project"),
        ("accounts", r#"{"project":"a/b"}"#, 400, "project"),
        ("accounts", r#"{"project":7}"#, 400, "project"),
        ("accounts", &long, 400, "project"),
        ("accounts", r#"{"project":"test"}"#, 409, "project"),
        ("accounts", r#"{"name":"a"}"#, 400, "name"),
        ("accounts?project=a", "", 400, "project"),
        ("reset", r#"{"clock":"back"}"#, 400, "clock"),
        ("reset", r#"{"all":true}"#, 400, "all"),
        ("reset", "null", 400, "body"),
        // Nothing at all says `{}`, and blanks say nothing that is JSON.
        ("reset", " ", 400, "body"),
    ] {
        control.refuses("POST", path, body, status, field);
    }
    assert_eq!(control.get("accounts"), before);
}
