//! Of two places that say something, which counts; and of several clouds, which is meant.

use super::*;

#[test]
fn takes_each_setting_from_the_first_place_that_has_it() {
    let args = |flags: &Texts| {
        let mut args = named("both");
        for (flag, value) in flags {
            match *flag {
                "--region" => args.region = Some((*value).to_owned()),
                "--interface" => args.interface = Interface::parse(value),
                "--storage-url" => args.storage_url = Some((*value).to_owned()),
                other => panic!("{other}"),
            }
        }
        args
    };
    // Flags, variables, then which setting is looked at, and what is expected.
    let table: &[(&Texts, &Texts, &str, &str)] = &[
        (&[], &[], "region_name", "YAML from file"),
        (
            &[],
            &[("OS_REGION_NAME", "VAR")],
            "region_name",
            "VAR from variable",
        ),
        (
            &[("--region", "FLAG")],
            &[("OS_REGION_NAME", "VAR")],
            "region_name",
            "FLAG from flag",
        ),
        (&[], &[], "password", "secure-pw from file"),
        (
            &[],
            &[("OS_PASSWORD", "var-pw")],
            "password",
            "var-pw from variable",
        ),
        (
            &[],
            &[("OS_PASSWORD", "")],
            "password",
            "secure-pw from file",
        ),
        (
            &[],
            &[("OS_USERNAME", "var-user")],
            "username",
            "var-user from variable",
        ),
        (
            &[],
            &[("OS_USERNAME", "var-user")],
            "auth_url",
            "http://yaml/v3 from file",
        ),
        (
            &[],
            &[("OS_AUTH_URL", "http://var/v3")],
            "auth_url",
            "http://var/v3 from variable",
        ),
        (
            &[],
            &[("OS_PROJECT_NAME", "p")],
            "project_name",
            "p from variable",
        ),
        (
            &[],
            &[("OS_TENANT_NAME", "t")],
            "project_name",
            "t from variable",
        ),
        // One that says the same in another way takes its place.
        (&[], &[("OS_PROJECT_ID", "id")], "project_name", "-"),
        (
            &[],
            &[("OS_PROJECT_ID", "id")],
            "project_id",
            "id from variable",
        ),
        (
            &[],
            &[("OS_ENDPOINT_TYPE", "adminURL")],
            "interface",
            "adminURL from variable",
        ),
        (
            &[("--interface", "public")],
            &[("OS_INTERFACE", "admin")],
            "interface",
            "public from flag",
        ),
        (
            &[("--storage-url", "http://flag/v1/a")],
            &[("OS_STORAGE_URL", "http://var/v1/a")],
            "object_store_endpoint_override",
            "http://flag/v1/a from flag",
        ),
        (
            &[],
            &[("OS_STORAGE_URL", "http://var/v1/a")],
            "object_store_endpoint_override",
            "http://var/v1/a from variable",
        ),
        (
            &[],
            &[("OS_INSECURE", "1")],
            "verify",
            "false from variable",
        ),
        (&[], &[("OS_INSECURE", "0")], "verify", "-"),
        (
            &[],
            &[("OS_CACERT", "/ca.pem")],
            "cacert",
            "/ca.pem from variable",
        ),
        // pyrax's variables belong to pyrax's environments, of which this one is also one.
        (
            &[],
            &[("CLOUD_REGION", "CR")],
            "region_name",
            "CR from variable",
        ),
        (
            &[],
            &[("CLOUD_REGION", "CR"), ("OS_REGION_NAME", "VAR")],
            "region_name",
            "VAR from variable",
        ),
        (&[], &[], "keyring_username", "pyrax-user from file"),
        // The old command's variables are a cloud of their own.
        (
            &[],
            &[("ST_AUTH", "http://st"), ("ST_USER", "u"), ("ST_KEY", "k")],
            "username",
            "yaml-user from file",
        ),
        // So is a whole openrc file.
        (
            &[],
            &[
                ("OS_AUTH_URL", "http://var/v3"),
                ("OS_USERNAME", "var-user"),
                ("OS_PASSWORD", "var-pw"),
                ("OS_REGION_NAME", "VAR"),
            ],
            "auth_url",
            "http://yaml/v3 from file",
        ),
    ];
    for (flags, variables, name, expected) in table {
        let mut world = World::new()
            .clouds(YAML)
            .file(".config/openstack/secure.yaml", SECURE)
            .pyrax(PYRAX);
        for (variable, value) in *variables {
            world = world.set(variable, value);
        }
        // Variables may change who signs in and how; what is looked at is where the values come from.
        let settings = Settings::select(&args(flags), &world.environment()).unwrap();
        assert_eq!(
            told(&settings, name),
            *expected,
            "{flags:?} {variables:?} {name}"
        );
    }
}

#[test]
fn takes_what_clouds_yaml_leaves_out_from_the_pyrax_environment_of_the_same_name() {
    let world = World::new()
        .clouds("clouds: {both: {auth: {username: u, password: p}}}")
        .pyrax(PYRAX);
    let settings = world.settings(&named("both")).unwrap();
    assert_eq!(told(&settings, "region_name"), "PYRAX from file");
    assert_eq!(told(&settings, "username"), "u from file");
    assert_eq!(told(&settings, "interface"), "internal from file");
}

#[test]
fn chooses_a_cloud_when_none_is_named() {
    let one = "clouds: {one: {auth: {auth_url: 'http://h/v3', username: u, password: p}}}";
    let two = "clouds: {one: {auth_type: none}, two: {auth_type: none}}";
    let st = |world: World| {
        world
            .set("ST_AUTH", "http://h/v1.0")
            .set("ST_USER", "u")
            .set("ST_KEY", "k")
    };
    let chosen = |world: &World| {
        Settings::select(&CloudArgs::default(), &world.environment()).map(|settings| settings.name)
    };
    assert_eq!(chosen(&World::new().clouds(one)).unwrap(), "one");
    assert_eq!(chosen(&st(World::new().clouds(one))).unwrap(), "env");
    assert_eq!(
        chosen(&st(World::new().clouds(two)).set("OS_CLOUD", "two")).unwrap(),
        "two"
    );
    assert_eq!(chosen(&World::new().pyrax("[a]\n[b]\n")).unwrap(), "a");
    assert_eq!(
        chosen(&World::new().pyrax("[a]\n[settings]\n")).unwrap(),
        "default"
    );
    assert_eq!(
        chosen(&World::new().clouds(one).pyrax("[a]\n")).unwrap(),
        "one"
    );

    let several = chosen(&World::new().clouds(two)).unwrap_err().to_string();
    assert!(several.contains("one, two"), "{several}");
    let nothing = chosen(&World::new()).unwrap_err().to_string();
    assert!(nothing.contains("--cloud"), "{nothing}");

    let by_url = CloudArgs {
        storage_url: Some("http://h/v1/a".to_owned()),
        ..CloudArgs::default()
    };
    let cloud = Cloud::select(&by_url, &World::new().environment()).unwrap();
    assert_eq!(cloud.credentials.method(), "anonymous access");
    let with_token = CloudArgs {
        token: Some("t".into()),
        ..by_url
    };
    let cloud = Cloud::select(&with_token, &World::new().environment()).unwrap();
    assert_eq!(cloud.credentials.method(), "ready token");
}

#[test]
fn is_not_led_elsewhere_by_an_openrc_file_when_a_cloud_is_named() {
    let world = World::new()
        .clouds(YAML)
        .set("OS_AUTH_URL", "http://prod/v3")
        .set("OS_USERNAME", "prod")
        .set("OS_PASSWORD", "prod-pw");
    let cloud = world.cloud("both").unwrap();
    assert_eq!(cloud.credentials.user(), Some("yaml-user"));
    assert!(
        cloud.notices[0].contains("describe another cloud"),
        "{:?}",
        cloud.notices
    );
    let local = world.cloud(LOCAL).unwrap();
    assert_eq!(local.credentials.user(), Some("test:tester"));
    assert_eq!(world.cloud("env").unwrap().credentials.user(), Some("prod"));
}

#[test]
fn says_when_a_secret_of_a_file_will_go_to_another_server() {
    let world = World::new()
        .clouds(YAML)
        .set("OS_AUTH_URL", "http://other/v3");
    let notices = world.cloud("both").unwrap().notices;
    assert!(
        notices[0].contains("OS_AUTH_URL takes the place"),
        "{notices:?}"
    );
}
