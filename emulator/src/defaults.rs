//! Who may sign in to an emulator that was told nothing else.
//!
//! Nothing here is a secret: an emulator guards nothing, and its users must be able to look up how to get in.

/// The name of the Rackspace user.
pub const RACKSPACE_USER: &str = "demo";

/// The Rackspace user's API key, for `RAX-KSKEY:apiKeyCredentials` and for `X-Auth-Key`.
pub const RACKSPACE_API_KEY: &str = "0123456789abcdef0123456789abcdef";

/// The Rackspace user's password, for `passwordCredentials`.
pub const RACKSPACE_PASSWORD: &str = "demo-password";

/// The Rackspace user's numeric tenant, to which tokens belong. Storage belongs to [`RACKSPACE_ACCOUNT`].
pub const RACKSPACE_TENANT: &str = "123456";

/// The Rackspace user's storage account, the last part of the storage URL.
pub const RACKSPACE_ACCOUNT: &str = "MossoCloudFS_6c2f4a52-6f0d-4bb2-9b6f-2f1c1d0a7e11";

/// The one region of every catalog.
pub const REGION: &str = "DFW";

/// A Keystone application credential of `test:tester`, by which it signs in without a password.
pub const APPLICATION_CREDENTIAL_ID: &str = "7a5b1c0d9e8f4a3b8c2d1e0f9a8b7c6d";

/// The name of [`APPLICATION_CREDENTIAL_ID`], to be given together with the user.
pub const APPLICATION_CREDENTIAL_NAME: &str = "emulator";

/// The secret of [`APPLICATION_CREDENTIAL_ID`].
pub const APPLICATION_CREDENTIAL_SECRET: &str = "testing-application";

/// How long a token lives, in seconds by the emulator's clock: a day, as with Swift and Rackspace.
pub const TOKEN_LIFE_SECONDS: u64 = 86_400;

/// A user of `TempAuth`, who signs in as `account:user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TempAuthUser {
    /// The account's name without `AUTH_`.
    pub account: &'static str,
    /// The user's name within the account.
    pub user: &'static str,
    /// What the user shows as `X-Auth-Key`, or as a password.
    pub key: &'static str,
    /// Further groups: `.admin` may do everything in the account, `.reseller_admin` in all accounts, `.reseller_reader`
    /// may read in all accounts.
    pub groups: &'static [&'static str],
}

/// The users that Swift's own functional tests want.
pub const TEMPAUTH_USERS: &[TempAuthUser] = &[
    TempAuthUser {
        account: "admin",
        user: "admin",
        key: "admin",
        groups: &[".admin", ".reseller_admin"],
    },
    TempAuthUser {
        account: "test",
        user: "tester",
        key: "testing",
        groups: &[".admin"],
    },
    TempAuthUser {
        account: "test",
        user: "tester2",
        key: "testing2",
        groups: &[".admin"],
    },
    TempAuthUser {
        account: "test",
        user: "tester3",
        key: "testing3",
        groups: &[],
    },
    TempAuthUser {
        account: "test2",
        user: "tester2",
        key: "testing2",
        groups: &[".admin"],
    },
    TempAuthUser {
        account: "test5",
        user: "tester5",
        key: "testing5",
        groups: &["service"],
    },
];
