//! Clouds of `clouds.yaml`, and what is wrong with them.

use super::*;

#[test]
fn reads_every_kind_of_credentials_from_clouds_yaml() {
    let world = World::new().clouds(
        "
clouds:
  tempauth:
    auth_type: v1password
    auth: {auth_url: 'http://h/auth/v1.0', username: 'test:tester', password: testing}
  guessed-v1:
    auth: {auth_url: 'http://h/auth/v1.0', username: 'test:tester', password: 1234}
  rackspace:
    auth_type: rackspace_apikey
    region_name: DFW
    auth: {username: me, api_key: f7e0}
  rackspace-password:
    profile: rackspace
    regions: [LON, IAD]
    auth: {username: me, password: p}
  keystone:
    identity_api_version: 3
    interface: internal
    verify: false
    auth: {auth_url: 'https://h:5000', username: me, password: p, project_name: a, user_domain_name: d}
  generic-v2:
    auth_type: password
    identity_api_version: '2.0'
    auth: {auth_url: 'https://h:5000', username: me, password: p, project-name: a}
  old-keystone:
    identity_api_version: 2.0
    auth: {auth_url: 'https://h:5000', username: me, password: p, tenant_name: a}
  application:
    auth: {auth_url: 'https://h:5000', application_credential_id: i, application_credential_secret: s}
  multifactor:
    auth_type: v3multifactor
    auth_methods: [v3password, v3totp]
    auth: {auth_url: 'https://h:5000', username: me, password: p, passcode: 123456}
  endpoint:
    auth_type: admin_token
    auth: {token: t, endpoint: 'https://h/v1/a'}
  public:
    auth_type: none
    object_store_endpoint_override: https://h/v1/a
",
    );
    for (name, method) in [
        ("tempauth", "v1 user and key"),
        ("guessed-v1", "v1 user and key"),
        ("rackspace", "Rackspace API key"),
        ("rackspace-password", "Rackspace password"),
        ("keystone", "Keystone v3 password"),
        ("generic-v2", "Keystone v2.0 password"),
        ("old-keystone", "Keystone v2.0 password"),
        ("application", "Keystone v3 application credential"),
        ("multifactor", "Keystone v3 password and passcode"),
        ("endpoint", "ready token"),
        ("public", "anonymous access"),
    ] {
        assert_eq!(
            world.cloud(name).unwrap().credentials.method(),
            method,
            "{name}"
        );
    }
    let region = world.cloud("rackspace-password").unwrap().region;
    assert_eq!(region.as_deref(), Some("LON"));
    let keystone = world.cloud("keystone").unwrap();
    assert!(keystone.http.insecure);
    assert!(
        keystone.notices[0].contains("not checked"),
        "{:?}",
        keystone.notices
    );
    assert!(
        keystone.notices[0].contains("clouds.yaml:19"),
        "{:?}",
        keystone.notices
    );
    assert_eq!(keystone.interface, Interface::Internal);
}

#[test]
fn knows_profiles_of_its_own_and_of_clouds_public_yaml() {
    let world = World::new()
        .clouds(
            "
clouds:
  ours: {profile: acme, auth: {username: u, password: p}}
  rax: {profile: rackspace, region_name: ORD, auth: {username: u, password: p}}
  lost: {profile: nowhere, auth: {username: u, password: p}}
",
        )
        .file(
            ".config/openstack/clouds-public.yaml",
            "
public-clouds:
  acme:
    auth: {auth_url: 'https://acme/v3'}
    regions:
      - name: north
        values: {interface: admin}
      - south
",
        );
    let ours = world.settings(&named("ours")).unwrap();
    assert_eq!(told(&ours, "auth_url"), "https://acme/v3 from file");
    assert_eq!(told(&ours, "region_name"), "north from file");
    assert_eq!(told(&ours, "interface"), "admin from file");
    let south = CloudArgs {
        region: Some("south".to_owned()),
        ..named("ours")
    };
    assert_eq!(told(&world.settings(&south).unwrap(), "interface"), "-");
    let rax = world.settings(&named("rax")).unwrap();
    assert_eq!(
        told(&rax, "auth_url"),
        "https://identity.api.rackspacecloud.com/v2.0 from profile"
    );
    assert!(
        world.fails("lost").contains("auth_url is not set"),
        "{}",
        world.fails("lost")
    );
}

#[test]
fn tells_the_line_in_which_a_value_stands() {
    let world = World::new().clouds(
        "clouds:\n  a:\n    auth_type: none\n    object_store_endpoint_override: http://h/v1/a\n    interface: sideways\n",
    );
    let text = world.fails("a");
    assert!(
        text.contains("clouds.yaml:5: interface is \"sideways\""),
        "{text}"
    );
}

#[test]
fn tells_the_file_and_the_line_of_broken_yaml_and_no_secret() {
    let text = World::new()
        .clouds("clouds:\n  a:\n    auth: {password: hush\n  b: ]\n")
        .fails("a");
    assert!(text.contains("clouds.yaml:4:"), "{text}");
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn tells_the_file_and_the_line_of_what_is_yaml_and_no_clouds() {
    for (text, expected) in [
        ("clouds: [hush]", "clouds.yaml:1: clouds is not a map"),
        (
            "\n- hush",
            "clouds.yaml: it is not a map with the key clouds",
        ),
        ("hush", "clouds.yaml: it is not a map with the key clouds"),
        (
            "clouds:\n  a: hush",
            "clouds.yaml: clouds.a is not a map of settings",
        ),
        (
            "clouds:\n  a:\n    auth: hush",
            "clouds.yaml:3: auth is not a map",
        ),
        (
            "clouds:\n  a:\n    auth: {password: [hush]}",
            "clouds.yaml:3: password is not a text",
        ),
        (
            "clouds:\n  a: {}\n  a: {auth: {password: hush}}",
            "clouds.yaml:3:3: not valid YAML: duplicate mapping key: a",
        ),
        ("", "there is no cloud a"),
    ] {
        let shown = World::new().clouds(text).fails("a");
        assert!(shown.contains(expected), "{text:?}: {shown}");
        assert!(!shown.contains("hush"), "{text:?}: {shown}");
    }
}

#[test]
fn tells_which_clouds_there_are_when_one_is_not_there() {
    let text = World::new()
        .clouds("clouds: {a: {}, b: {}}")
        .pyrax("[old]\n")
        .fails("c");
    assert!(
        text.contains("only: a, b") && text.contains("has: old"),
        "{text}"
    );
}

#[test]
fn tells_the_setting_that_is_missing() {
    let text = World::new()
        .clouds("clouds: {a: {auth: {auth_url: 'https://h/v3', username: me}}}")
        .fails("a");
    assert!(
        text.contains("cloud a: password is not set (`cloudfiles login"),
        "{text}"
    );
    let text = World::new()
        .set("ST_AUTH", "http://h")
        .set("ST_USER", "u")
        .fails("env");
    assert!(text.contains("ST_KEY is not set"), "{text}");
    let text = World::new().set("OS_AUTH_URL", "http://h/v3").fails("env");
    assert!(text.contains("OS_USERNAME is not set"), "{text}");
    let text = World::new().fails("env");
    assert!(
        text.contains("neither ST_AUTH nor OS_AUTH_URL is set"),
        "{text}"
    );
    let text = World::new()
        .clouds("clouds: {a: {auth_type: magic}}")
        .fails("a");
    assert!(text.contains("auth_type is \"magic\"; known are"), "{text}");
}

#[test]
fn knows_the_clouds_that_openstacks_own_tools_know() {
    let world = World::new().clouds(
        "
clouds:
  flex: {profile: rackspace-flex, region_name: SJC3, auth: {username: u, password: p, project_name: a}}
  elastx: {profile: elastx, auth: {username: u, password: p}}
  otc: {profile: otc, auth: {username: u, password: p}}
  remote: {profile: 'https://cloud.example', auth: {username: u, password: p}}
",
    );
    let flex = world.settings(&named("flex")).unwrap();
    assert_eq!(
        told(&flex, "auth_url"),
        "https://keystone.api.SJC3.rackspacecloud.com/v3 from profile"
    );
    assert_eq!(
        told(&flex, "user_domain_name"),
        "rackspace_cloud_domain from profile"
    );
    let cloud = world.cloud("flex").unwrap();
    assert_eq!(cloud.credentials.method(), "Keystone v3 password");
    let elastx = world.settings(&named("elastx")).unwrap();
    assert_eq!(told(&elastx, "region_name"), "se-sto from profile");
    let text = world.fails("otc");
    assert!(
        text.contains("auth_url depends on region_name, which is not set"),
        "{text}"
    );
    // What it needs is said elsewhere, so that only the profile is missing.
    let world = world.set("OS_AUTH_URL", "http://h/v3");
    let notices = world.cloud("remote").unwrap().notices;
    assert!(notices[0].contains("clouds.yaml:6"), "{notices:?}");
    assert!(notices[0].contains("is not fetched"), "{notices:?}");
}

#[test]
fn takes_one_domain_for_user_and_project_where_there_is_a_project() {
    let world = World::new().clouds(
        "
clouds:
  project:
    auth: {auth_url: 'https://h/v3', username: u, password: p, project_name: a, domain_name: both}
  user-apart:
    auth: {auth_url: 'https://h/v3', username: u, password: p, project_id: a, domain_id: both, user_domain_name: own}
  domain:
    auth: {auth_url: 'https://h/v3', username: u, password: p, domain_name: whole}
",
    );
    let row = |cloud: &str| {
        let settings = world.settings(&named(cloud)).unwrap();
        [
            "user_domain_name",
            "project_domain_name",
            "project_domain_id",
            "domain_name",
        ]
        .map(|name| told(&settings, name).replace(" from file", ""))
    };
    assert_eq!(row("project"), ["both", "both", "-", "-"]);
    assert_eq!(row("user-apart"), ["own", "-", "both", "-"]);
    assert_eq!(row("domain"), ["-", "-", "-", "whole"]);
}

#[test]
fn puts_the_region_into_an_address_that_names_it_and_takes_the_first_of_a_list() {
    let world = World::new().clouds(
        "
clouds:
  here:
    region_name: [north, south]
    auth: {auth_url: 'https://{region_name}.cloud.example:5000/v3', username: u, password: p}
",
    );
    let address = |args: &CloudArgs| told(&world.settings(args).unwrap(), "auth_url");
    assert_eq!(
        address(&named("here")),
        "https://north.cloud.example:5000/v3 from file"
    );
    let south = CloudArgs {
        region: Some("south".to_owned()),
        ..named("here")
    };
    assert_eq!(
        address(&south),
        "https://south.cloud.example:5000/v3 from file"
    );
}

#[test]
fn takes_certificate_service_type_and_default_domain() {
    let world = World::new().clouds(
        "
clouds:
  here:
    cert: ~/me.pem
    key: /keys/me.key
    object_store_service_type: swift
    default_domain_name: ours
    auth: {auth_url: 'https://h/v3', username: u, password: p, key: hush}
",
    );
    let cloud = world.cloud("here").unwrap();
    let certificate = cloud.http.client_certificate.unwrap();
    assert_eq!(certificate.certificate, world.folder.path().join("me.pem"));
    assert_eq!(certificate.key.as_deref(), Some(Path::new("/keys/me.key")));
    assert_eq!(cloud.service_type.as_deref(), Some("swift"));
    let identity::Credentials::KeystoneV3 {
        method: identity::V3Method::Password { user, .. },
        ..
    } = cloud.credentials
    else {
        panic!("{:?}", cloud.credentials);
    };
    let identity::V3User::Name { domain, .. } = user else {
        panic!("{user:?}");
    };
    assert_eq!(domain, identity::Domain::Name("ours".to_owned()));
}

#[test]
fn looks_for_files_where_openstacks_own_tools_do_and_in_their_order() {
    let cloud = |user: &str| {
        format!(
            "{{\"clouds\": {{\"a\": {{\"auth\": {{\"auth_url\": \"http://h/v3\", \"username\": \"{user}\", \"password\": \"p\"}}}}}}}}"
        )
    };
    let user = |world: &World| {
        let cloud = world.cloud("a").unwrap();
        cloud.credentials.user().unwrap().to_owned()
    };
    // Each of these comes before those above it.
    let mut world = World::new();
    for (file, name) in [
        (".config/openstack/clouds.json", "json"),
        (".config/openstack/clouds.yml", "yml"),
        (".config/openstack/clouds.yaml", "yaml"),
    ] {
        world = world.file(file, &cloud(name));
        assert_eq!(user(&world), name);
    }
    let world = world.file("elsewhere/clouds.yaml", &cloud("xdg"));
    let elsewhere = world.folder.path().join("elsewhere");
    let world = world.file("named.yaml", &cloud("variable"));
    let named = world.folder.path().join("named.yaml");
    let world = world.set("OS_CLIENT_CONFIG_FILE", named.to_str().unwrap());
    assert_eq!(user(&world), "variable");
    let world = World {
        variables: Vec::new(),
        ..world
    };
    std::fs::create_dir_all(elsewhere.join("openstack")).unwrap();
    std::fs::rename(
        elsewhere.join("clouds.yaml"),
        elsewhere.join("openstack/clouds.yaml"),
    )
    .unwrap();
    let world = world.set("XDG_CONFIG_HOME", elsewhere.to_str().unwrap());
    assert_eq!(user(&world), "xdg");
    let world = world.set("OS_CLIENT_CONFIG_FILE", "/nowhere/clouds.yaml");
    let text = world.fails("a");
    assert!(
        text.contains("/nowhere/clouds.yaml (OS_CLIENT_CONFIG_FILE)"),
        "{text}"
    );
}
