//! `login`, `logout` and `config`, and the token that one run leaves for the next.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use emulator::Emulator;
use serde_json::Value;

use crate::home::{Home, assert_failed, assert_succeeded, stderr, stdout};

const YAML: &str = "
clouds:
  here:
    auth_type: v1password
    auth:
      auth_url: AUTH_URL
      username: 'test:tester'
";

/// A home folder with one cloud, `here`, whose key stands nowhere; and the emulator behind it.
fn world() -> (Home, Emulator) {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let home = Home::new();
    home.write(
        "clouds.yaml",
        YAML.replace("AUTH_URL", &emulator.auth_url()),
    );
    (home, emulator)
}

fn run_with_input(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Whoever fails early may not read it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn tokens(home: &Home) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(home.path(".cache/cloudfiles/tokens")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn shows_where_each_setting_came_from_and_no_secret() {
    let home = Home::new();
    home.write("clouds.yaml", YAML);
    home.write("secure.yaml", "clouds: {here: {auth: {password: hush}}}");
    let mut command = home.command(&["config", "show", "--region", "ORD"]);
    command.env("OS_INTERFACE", "internal");
    command.env("OS_STORAGE_URL", "http://me:hush@h/v1/a");
    let output = command.output().unwrap();
    assert_succeeded(&output);
    let line = |name: &str| {
        let mut lines = stdout(&output).lines();
        let line = lines
            .find(|line| line.starts_with(name))
            .unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("cloud "), "cloud here");
    assert_eq!(line("auth_url"), "auth_url AUTH_URL clouds.yaml:6");
    assert_eq!(line("password"), "password *** secure.yaml:1");
    assert_eq!(line("region_name"), "region_name ORD --region");
    assert_eq!(line("interface"), "interface internal OS_INTERFACE");
    assert_eq!(line("method"), "method v1 user and key");
    assert!(!stdout(&output).contains("hush"));

    let output = home.run(&["config", "show", "--cloud", "here", "--json"]);
    assert_succeeded(&output);
    let shown: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(shown["cloud"], "here");
    assert_eq!(shown["problem"], Value::Null);
    let settings = shown["settings"].as_array().unwrap();
    let password = settings
        .iter()
        .find(|setting| setting["name"] == "password");
    assert_eq!(password.unwrap()["value"], Value::Null);
    assert_eq!(password.unwrap()["from"]["kind"], "file");
}

#[test]
fn shows_what_is_set_even_where_something_is_missing() {
    let home = Home::new();
    home.write("clouds.yaml", YAML);
    let output = home.run(&["config", "show"]);
    let line = assert_failed(&output);
    assert!(line.contains("cloudfiles login --cloud here"), "{line}");
    assert!(stdout(&output).contains("test:tester"));
}

#[test]
fn lists_the_clouds_and_the_files() {
    let home = Home::new();
    home.write("clouds.yaml", YAML);
    home.write(".pyrax.cfg", "[scale12x]\nidentity_type = rackspace\n");
    let output = home.run(&["config", "list"]);
    assert_succeeded(&output);
    for name in ["here", "scale12x", "local", "offline"] {
        assert!(
            stdout(&output).lines().any(|line| line.starts_with(name)),
            "{name}"
        );
    }
    let output = home.run(&["config", "path", "--json"]);
    assert_succeeded(&output);
    let mut files = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let first = files.next().unwrap();
    assert_eq!(
        (&first["path"], &first["found"]),
        (&"clouds.yaml".into(), &true.into())
    );
}

#[test]
fn says_that_there_is_no_keyring_and_what_to_do() {
    let (home, _emulator) = world();
    let output = run_with_input(home.command(&["login"]), "testing\n");
    let line = assert_failed(&output);
    assert!(
        line.contains("the keyring") && line.contains("Secret Service"),
        "{line}"
    );
    assert!(!line.contains("testing"), "{line}");
}

#[test]
fn keeps_no_wrong_key() {
    let (home, _emulator) = world();
    let output = run_with_input(home.command(&["login"]), "wrong-one\n");
    let line = assert_failed(&output);
    assert!(
        line.contains("wrong credentials") && !line.contains("wrong-one"),
        "{line}"
    );
    let output = run_with_input(home.command(&["login"]), "");
    assert!(assert_failed(&output).contains("nothing was given"));
}

#[cfg(unix)]
#[test]
fn leaves_its_token_for_the_next_run_and_for_nobody_else() {
    use std::os::unix::fs::MetadataExt;
    let (home, _emulator) = world();
    // It signs in before it finds no keyring.
    run_with_input(home.command(&["login"]), "testing\n");
    let files = tokens(&home);
    assert_eq!(files.len(), 1);
    assert_eq!(std::fs::metadata(&files[0]).unwrap().mode() & 0o777, 0o600);

    for (argument, variable) in [(Some("--no-token-cache"), None), (None, Some("off"))] {
        let (home, _emulator) = world();
        let mut command = home.command(&["login"]);
        command.args(argument);
        if let Some(value) = variable {
            command.env("CLOUDFILES_TOKEN_CACHE", value);
        }
        run_with_input(command, "testing\n");
        assert_eq!(tokens(&home).len(), 0, "{argument:?} {variable:?}");
    }
}

#[test]
fn says_aloud_that_certificates_are_not_checked() {
    let (home, _emulator) = world();
    let output = run_with_input(home.command(&["login", "--insecure"]), "testing\n");
    assert!(
        stderr(&output).contains("--insecure: certificates are not checked"),
        "{}",
        stderr(&output)
    );
}

/// Runs the whole round in a session bus of its own with a real Secret Service (gnome-keyring), where one is installed.
#[cfg(unix)]
#[test]
fn keeps_a_key_in_a_real_keyring_and_forgets_it() {
    let is_there = |program: &str| {
        let mut check = Command::new(program);
        let check = check
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        check.status().is_ok()
    };
    if !["dbus-run-session", "gnome-keyring-daemon"]
        .into_iter()
        .all(is_there)
    {
        println!("skipped: no dbus-run-session or no gnome-keyring-daemon here");
        return;
    }
    let (home, _emulator) = world();
    let script = r#"
        set -e
        printf 'keyring-password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
        printf 'testing\n' | "$CLOUDFILES" login --cloud here
        "$CLOUDFILES" config show --cloud here
        "$CLOUDFILES" logout --cloud here
        "$CLOUDFILES" config show --cloud here 2>&1 && exit 9
        printf 'f7e0' | "$CLOUDFILES" login --no-check --cloud scale12x
        "$CLOUDFILES" config show --cloud scale12x
    "#;
    home.write(
        ".pyrax.cfg",
        "[scale12x]\nidentity_type = rackspace\nkeyring_username = demo\n",
    );
    let mut command = Command::new("dbus-run-session");
    let path = std::env::var_os("PATH").unwrap();
    command
        .args(["--", "sh", "-c", script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", home.path(""))
        .env("XDG_RUNTIME_DIR", home.path(""))
        .env("CLOUDFILES", env!("CARGO_BIN_EXE_cloudfiles"))
        .current_dir(home.path(""))
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let all = format!("{}{}", stdout(&output), stderr(&output));
    assert!(output.status.success(), "{all}");
    for expected in [
        "The keyring keeps the password of test:tester for here.",
        "keyring (cloudfiles, test:tester)",
        "The keyring no longer keeps the password of test:tester for here.",
        "nor is it in the keyring",
        "keyring (cloudfiles, demo)",
        "Rackspace API key or password",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    assert!(!all.contains("testing") && !all.contains("f7e0"), "{all}");
    assert_eq!(tokens(&home).len(), 0, "logout forgets the token too");
}
