//! Clouds that variables describe.

use super::*;

#[test]
fn signs_in_as_the_variables_of_every_family_say() {
    let table: &[(&Texts, &str, Option<&str>)] = &[
        (
            &[
                ("ST_AUTH", "http://h/auth/v1.0"),
                ("ST_USER", "a:u"),
                ("ST_KEY", "k"),
            ],
            "v1 user and key",
            Some("a:u"),
        ),
        (
            &[
                ("ST_AUTH", "http://h/v2.0"),
                ("ST_USER", "t:u"),
                ("ST_KEY", "k"),
                ("ST_AUTH_VERSION", "2"),
            ],
            "Keystone v2.0 password",
            Some("u"),
        ),
        (
            &[
                ("ST_AUTH", "http://h/v3"),
                ("ST_USER", "u"),
                ("ST_KEY", "k"),
                ("ST_AUTH_VERSION", "3"),
                ("OS_PROJECT_NAME", "p"),
            ],
            "Keystone v3 password",
            Some("u"),
        ),
        (
            &[
                ("OS_AUTH_URL", "http://h:5000"),
                ("OS_USERNAME", "u"),
                ("OS_PASSWORD", "p"),
            ],
            "Keystone v3 password",
            Some("u"),
        ),
        (
            &[
                ("OS_AUTH_URL", "http://h:5000"),
                ("OS_USERNAME", "u"),
                ("OS_PASSWORD", "p"),
                ("OS_PASSCODE", "1"),
            ],
            "Keystone v3 password and passcode",
            Some("u"),
        ),
        (
            &[
                ("OS_AUTH_URL", "http://h"),
                ("OS_IDENTITY_API_VERSION", "2.0"),
                ("OS_USERNAME", "u"),
                ("OS_PASSWORD", "p"),
            ],
            "Keystone v2.0 password",
            Some("u"),
        ),
        (
            &[
                ("OS_AUTH_URL", "http://h/v3"),
                ("OS_AUTH_TYPE", "v3applicationcredential"),
                ("OS_APPLICATION_CREDENTIAL_ID", "i"),
                ("OS_APPLICATION_CREDENTIAL_SECRET", "s"),
            ],
            "Keystone v3 application credential",
            Some("i"),
        ),
        (
            &[
                ("OS_AUTH_URL", "http://h/v3"),
                ("OS_AUTH_TYPE", "v3token"),
                ("OS_TOKEN", "t"),
            ],
            "Keystone v3 token",
            None,
        ),
        (
            &[
                ("OS_AUTH_URL", "http://h/v3"),
                ("OS_AUTH_TYPE", "v3totp"),
                ("OS_USERNAME", "u"),
                ("OS_PASSCODE", "1"),
            ],
            "Keystone v3 passcode",
            Some("u"),
        ),
        (
            &[
                ("OS_AUTH_URL", "http://h/v2.0"),
                ("OS_AUTH_TYPE", "token"),
                ("OS_TOKEN", "t"),
            ],
            "v2.0 token",
            None,
        ),
        (
            &[("OS_AUTH_TOKEN", "t"), ("OS_STORAGE_URL", "http://h/v1/a")],
            "ready token",
            None,
        ),
        (
            &[
                ("OS_AUTH_TOKEN", "t"),
                ("OS_STORAGE_URL", "http://h/v1/a"),
                ("OS_AUTH_URL", "http://h/v3"),
                ("OS_USERNAME", "u"),
                ("OS_PASSWORD", "p"),
            ],
            "ready token",
            None,
        ),
        (
            &[
                ("OS_AUTH_TYPE", "none"),
                ("OS_STORAGE_URL", "http://h/v1/a"),
            ],
            "anonymous access",
            None,
        ),
        (
            &[("RAX_USERNAME", "u"), ("RAX_API_KEY", "k")],
            "Rackspace API key",
            Some("u"),
        ),
        (
            &[("RS_USERNAME", "u"), ("RS_API_KEY", "k")],
            "Rackspace API key",
            Some("u"),
        ),
        (
            &[
                ("OS_AUTH_URL", "https://identity.api.rackspacecloud.com"),
                ("OS_USERNAME", "u"),
                ("OS_PASSWORD", "p"),
            ],
            "Rackspace password",
            Some("u"),
        ),
    ];
    for (variables, method, user) in table {
        let mut world = World::new();
        for (variable, value) in *variables {
            world = world.set(variable, value);
        }
        let cloud = world.cloud("env").unwrap();
        assert_eq!(cloud.credentials.method(), *method, "{variables:?}");
        assert_eq!(cloud.credentials.user(), *user, "{variables:?}");
    }
}

#[test]
fn calls_the_cloud_of_the_variables_as_they_say() {
    let world = World::new()
        .set("OS_AUTH_URL", "http://h/v3")
        .set("OS_USERNAME", "u")
        .set("OS_PASSWORD", "p")
        .set("OS_CLOUD_NAME", "mine");
    for name in ["mine", "env", "envvars"] {
        assert_eq!(world.cloud(name).unwrap().credentials.user(), Some("u"));
    }
    assert!(world.fails("yours").contains("there is no cloud yours"));
}

#[test]
fn takes_certificate_and_service_type_from_variables() {
    let world = World::new()
        .set("OS_AUTH_URL", "http://h/v3")
        .set("OS_USERNAME", "u")
        .set("OS_PASSWORD", "p")
        .set("OS_PROJECT_NAME", "p")
        .set("OS_DOMAIN_NAME", "both")
        .set("OS_SERVICE_TYPE", "swift")
        .set("OS_CERT", "/me.pem");
    let cloud = world.cloud("env").unwrap();
    assert_eq!(cloud.service_type.as_deref(), Some("swift"));
    let certificate = cloud.http.client_certificate.unwrap();
    assert_eq!(certificate.certificate, Path::new("/me.pem"));
    assert_eq!(certificate.key, None);
    let settings = world.settings(&named("env")).unwrap();
    assert_eq!(told(&settings, "user_domain_name"), "both from variable");
}
