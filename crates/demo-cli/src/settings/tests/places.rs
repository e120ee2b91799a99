//! Where our own files are.

use super::*;

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
