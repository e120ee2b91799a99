//! Which of the places counts.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use identity::{Interface, Secret};

use super::keyring::{Attributes, Keyring};
use super::*;

/// Names and values.
type Texts = [(&'static str, &'static str)];

/// A home folder with files in it, variables, and a keyring.
struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
    keyring: Arc<FakeKeyring>,
}

#[derive(Default)]
struct FakeKeyring(Mutex<BTreeMap<Vec<(String, String)>, String>>);

fn owned(attributes: &Attributes<'_>) -> Vec<(String, String)> {
    let mut owned: Vec<_> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    owned.sort();
    owned
}

impl Keyring for FakeKeyring {
    fn find(&self, attributes: &Attributes<'_>) -> anyhow::Result<Option<Secret>> {
        let entries = self.0.lock().unwrap();
        let found = entries.get(&owned(attributes));
        Ok(found.map(|text| Secret::from(text.as_str())))
    }

    fn store(&self, _: &str, attributes: &Attributes<'_>, secret: &Secret) -> anyhow::Result<()> {
        let mut entries = self.0.lock().unwrap();
        entries.insert(owned(attributes), secret.expose().to_owned());
        Ok(())
    }

    fn remove(&self, attributes: &Attributes<'_>) -> anyhow::Result<usize> {
        let removed = self.0.lock().unwrap().remove(&owned(attributes));
        Ok(usize::from(removed.is_some()))
    }
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            keyring: Arc::default(),
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn clouds(self, text: &str) -> Self {
        self.file(".config/openstack/clouds.yaml", text)
    }

    fn pyrax(self, text: &str) -> Self {
        self.file(".pyrax.cfg", text)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn environment(&self) -> Environment {
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut environment = Environment::new(variables, self.folder.path().to_str());
        environment.keyring = self.keyring.clone();
        environment
    }

    fn settings(&self, args: &CloudArgs) -> anyhow::Result<Settings> {
        let mut settings = Settings::select(args, &self.environment())?;
        settings.resolve()?;
        Ok(settings)
    }

    fn cloud(&self, name: &str) -> anyhow::Result<Cloud> {
        Cloud::named(name, &self.environment())
    }

    fn fails(&self, name: &str) -> String {
        format!("{:#}", self.cloud(name).unwrap_err())
    }
}

fn named(name: &str) -> CloudArgs {
    CloudArgs {
        cloud: Some(name.to_owned()),
        ..CloudArgs::default()
    }
}

/// Where a setting came from, and what it is; `-` if it is nowhere.
fn told(settings: &Settings, name: &str) -> String {
    match settings.layer.get(name) {
        None => "-".to_owned(),
        Some(setting) => format!("{} from {}", setting.value.expose(), setting.origin.kind()),
    }
}

const YAML: &str = "
clouds:
  both:
    auth: {auth_url: 'http://yaml/v3', username: yaml-user, password: yaml-pw, project_name: yaml-project}
    region_name: YAML
    interface: internal
";
const SECURE: &str = "clouds: {both: {auth: {password: secure-pw}}}";
const PYRAX: &str = "[both]\nidentity_type = rackspace\nregion = PYRAX\nkeyring_username = pyrax-user\nuse_servicenet = True\n";

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
fn tells_the_place_of_a_line_that_no_pyrax_file_can_have() {
    let text = World::new().pyrax("[a]\nregion = DFW\n= f7e0\n").fails("a");
    assert!(text.contains(".pyrax.cfg: line 3"), "{text}");
    let text = World::new().pyrax("[a]\napi_key f7e0\n").fails("a");
    assert!(text.contains(".pyrax.cfg [a]: a line has no"), "{text}");
    assert!(!text.contains("f7e0"), "{text}");
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

#[test]
fn keeps_tokens_where_users_keep_caches_unless_told_otherwise() {
    let world = World::new().clouds(YAML);
    let home = world.folder.path().join(".cache/cloudfiles/tokens");
    assert_eq!(world.cloud("both").unwrap().token_cache, Some(home));
    let world = world.set("XDG_CACHE_HOME", "/caches");
    assert_eq!(
        world.cloud("both").unwrap().token_cache.unwrap(),
        Path::new("/caches/cloudfiles/tokens")
    );
    let off = CloudArgs {
        no_token_cache: true,
        ..named("both")
    };
    assert_eq!(
        Cloud::select(&off, &world.environment())
            .unwrap()
            .token_cache,
        None
    );
    let world = world.set("CLOUDFILES_TOKEN_CACHE", "off");
    assert_eq!(world.cloud("both").unwrap().token_cache, None);
}

#[test]
fn keeps_the_ledger_where_users_keep_state() {
    let home = Environment::new([], Some("/home/me"));
    let path = ledger_path(None, &home).unwrap();
    assert_eq!(
        path,
        Path::new("/home/me/.local/state/cloudfiles/ledger.json")
    );

    let xdg = Environment::new([("XDG_STATE_HOME", "/state")], Some("/home/me"));
    let path = ledger_path(None, &xdg).unwrap();
    assert_eq!(path, Path::new("/state/cloudfiles/ledger.json"));

    let said = ledger_path(Some(Path::new("mine.json")), &xdg).unwrap();
    assert_eq!(said, Path::new("mine.json"));
}

#[test]
fn asks_for_a_ledger_where_there_is_no_home() {
    let nowhere = Environment::new([("XDG_STATE_HOME", "relative")], None);
    let error = ledger_path(None, &nowhere).unwrap_err();
    assert!(error.to_string().contains("--ledger"));
}
