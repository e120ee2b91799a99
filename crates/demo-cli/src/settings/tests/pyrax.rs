//! Environments of pyrax, and the keyring.

use super::*;

#[test]
fn reads_pyrax_environments() {
    let world = World::new()
        .pyrax(
            "[scale12x]
identity_type = rackspace
keyring_username: demo
region = DFW
verify_ssl = False
custom_user_agent = talk/1
password = not-here
[private]
identity_type = keystone
auth_endpoint = http://h:5000/v2.0
tenant_name = t
keyring_username = someone
",
        )
        .file(
            ".rackspace_cloud_credentials",
            "[rackspace_cloud]\nusername = file-user\napi_key = file-key\n",
        );
    let pyrax_entry = |user: &str, secret: &str| {
        let attributes = [("service", "pyrax"), ("username", user)];
        world
            .keyring
            .store("", &attributes, &secret.into())
            .unwrap();
    };
    pyrax_entry("demo", "f7e0");
    pyrax_entry("someone", "pw");
    let cloud = world.cloud("scale12x").unwrap();
    assert_eq!(cloud.credentials.method(), "Rackspace API key or password");
    assert_eq!(cloud.credentials.user(), Some("demo"));
    assert_eq!(cloud.region.as_deref(), Some("DFW"));
    assert!(cloud.http.insecure);
    assert!(cloud.http.user_agent.starts_with("talk/1 cloudfiles/"));
    assert!(
        cloud.notices[0].contains("password is not taken"),
        "{:?}",
        cloud.notices
    );
    assert!(!cloud.notices[0].contains("not-here"));
    let private = world.cloud("private").unwrap();
    assert_eq!(private.credentials.method(), "Keystone v2.0 password");

    let world = world.pyrax("[plain]\nidentity_type = rackspace\n");
    let plain = world.cloud("plain").unwrap();
    assert_eq!(plain.credentials.method(), "Rackspace API key");
    assert_eq!(plain.credentials.user(), Some("file-user"));

    let text = world
        .pyrax("[odd]\nidentity_type = my.Class\n")
        .fails("odd");
    assert!(text.contains("identity_type is \"my.Class\""), "{text}");
}

#[test]
fn tells_the_place_of_a_line_that_no_pyrax_file_can_have() {
    let text = World::new().pyrax("[a]\nregion = DFW\n= f7e0\n").fails("a");
    assert!(text.contains(".pyrax.cfg: line 3"), "{text}");
    let text = World::new().pyrax("[a]\napi_key f7e0\n").fails("a");
    assert!(text.contains(".pyrax.cfg [a]: a line has no"), "{text}");
    assert!(!text.contains("f7e0"), "{text}");
}

#[test]
fn takes_a_secret_from_the_keyring_for_the_same_user_and_server_only() {
    let yaml = |url: &str| format!("clouds: {{a: {{auth: {{auth_url: '{url}', username: me}}}}}}");
    let world = World::new().clouds(&yaml("https://h/v3"));
    let environment = world.environment();
    let settings = Settings::select(&named("a"), &environment).unwrap();
    let (secret, entry) = settings.keyring_entry().unwrap();
    assert_eq!((secret, entry.user.as_str()), ("password", "me"));
    entry.store(&"hush".into(), &environment).unwrap();

    let settings = world.settings(&named("a")).unwrap();
    assert_eq!(told(&settings, "password"), "hush from keyring");
    let shown: Vec<_> = settings
        .shown()
        .filter(|shown| shown.name == "password")
        .collect();
    assert_eq!(shown[0].value, None, "a secret is not shown");

    let world = world.clouds(&yaml("https://elsewhere/v3"));
    assert!(world.fails("a").contains("nor is it in the keyring"));
    let world = world.clouds(&yaml("https://h/v3"));
    assert!(entry.remove(&environment).unwrap());
    assert!(!entry.remove(&environment).unwrap());
    assert!(world.cloud("a").is_err());
}
