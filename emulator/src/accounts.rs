//! Accounts made for one test, and starting afresh.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use crate::config::Secret;
use crate::core::Core;
use crate::emulator::Emulator;

/// An account that nobody else uses, and how to get in: the same user and key are good at every door (v1.0, v2.0 with the
/// key as API key or as password, v3 with the key as password).
///
/// `Debug` shows neither key nor token.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FreshAccount {
    /// The storage account: `AUTH_` and the project.
    pub account: String,
    /// The project (v3), or tenant (v2.0).
    pub project: String,
    /// The user's domain, and the project's (v3): `default`.
    pub domain: String,
    /// The user, as `project:owner`.
    pub user: String,
    /// The user's key, API key and password.
    pub key: String,
    /// A token of the user's, good at once.
    pub token: String,
    /// Where the account is: `http://127.0.0.1:PORT/v1/AUTH_…`.
    pub storage_url: String,
    /// Where the account's CDN is managed: `http://127.0.0.1:PORT/cdn/v1/AUTH_…`.
    pub cdn_management_url: String,
    /// Where v1.0 signs in: `http://127.0.0.1:PORT/auth/v1.0`.
    pub auth_url: String,
    /// Identity v2.0: `http://127.0.0.1:PORT/v2.0`.
    pub identity_v2_url: String,
    /// Identity v3: `http://127.0.0.1:PORT/v3`.
    pub identity_v3_url: String,
    /// The region that these URLs are of.
    pub region: String,
}

impl fmt::Debug for FreshAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FreshAccount")
            .field("user", &self.user)
            .field("storage_url", &self.storage_url)
            .finish_non_exhaustive()
    }
}

/// An account that somebody can sign in to, or that holds something, and how much that is in all regions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct AccountSummary {
    pub(crate) account: String,
    /// Made at run time.
    pub(crate) fresh: bool,
    pub(crate) containers: u64,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

impl Emulator {
    /// Makes an account that nobody else uses, with a user, a key and a token.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let emulator = emulator::Emulator::builder().start().await?;
    /// let account = emulator.fresh_account();
    /// println!("{} signs in at {}", account.user, account.auth_url);
    /// assert!(emulator.drop_account(&account.account));
    /// # Ok(())
    /// # }
    /// ```
    pub fn fresh_account(&self) -> FreshAccount {
        loop {
            // The names are random, so one that is taken comes up once in an age.
            if let Some(made) = self.core().fresh_account(None, self.url()) {
                return made;
            }
        }
    }

    /// Forgets an account, made by [`Self::fresh_account`] or not: all that is in it, its CDN, its users and their tokens.
    /// False if there is no such account. Takes as long however many objects there are.
    pub fn drop_account(&self, account: &str) -> bool {
        self.core().drop_account(account)
    }

    /// Forgets all that is in an account and its CDN, and keeps its users and their tokens. False if nobody owns such an
    /// account and nothing is in it.
    pub fn reset_account(&self, account: &str) -> bool {
        self.core().reset_account(account)
    }

    /// Takes everything back to how it was at the start: no objects, no tokens, the users of the configuration, nothing
    /// published, no faults, an empty journal, and the clock runs with the system's.
    pub fn reset(&self) {
        self.core().reset(false);
    }
}

impl Core {
    /// Makes a project, whose name must be one that URLs need no escapes for, an owner, a key and a token. `None` if there
    /// is such a project. URLs begin with `base`.
    pub(crate) fn fresh_account(&self, project: Option<&str>, base: &str) -> Option<FreshAccount> {
        const USER: &str = "owner";
        let project = project.map_or_else(
            || format!("fresh_{}", &Uuid::new_v4().simple().to_string()[..16]),
            str::to_owned,
        );
        let key = Uuid::new_v4().simple().to_string();
        if !self
            .identity
            .add_account(&project, USER, &Secret::from(key.as_str()))
        {
            return None;
        }
        let user = format!("{project}:{USER}");
        let token = self.identity.token_of(&user, self.clock.now())?;
        let account = format!("{}{project}", crate::services::identity::ACCOUNT_PREFIX);
        Some(FreshAccount {
            storage_url: format!("{base}/v1/{account}"),
            cdn_management_url: format!("{base}/cdn/v1/{account}"),
            auth_url: format!("{base}/auth/v1.0"),
            identity_v2_url: format!("{base}/v2.0"),
            identity_v3_url: format!("{base}/v3"),
            region: self.regions.name().to_owned(),
            account,
            project,
            domain: "default".to_owned(),
            user,
            key,
            token: token.id.clone(),
        })
    }

    /// Forgets an account: all that is in it, its CDN, who owned it and their tokens. False if there is none. Takes as long
    /// however much is in it.
    pub(crate) fn drop_account(&self, account: &str) -> bool {
        let known = self.identity.remove_account(account);
        let held = self.empty_account(account);
        known || held
    }

    /// Forgets all that is in an account and its CDN; its users and their tokens stay. False if nobody knows the account.
    pub(crate) fn reset_account(&self, account: &str) -> bool {
        let known = self.identity.owns_account(account);
        let held = self.empty_account(account);
        known || held
    }

    fn empty_account(&self, account: &str) -> bool {
        let mut held = false;
        for core in self.siblings.all() {
            let former = core.store.forget_account(account);
            held |= former.is_some();
            drop_elsewhere(former);
            held |= core.cdn.forget_account(account);
            core.former_keys.forget(Some(account));
        }
        self.seen_urls.forget(Some(account));
        self.faults.history().forget(account);
        held
    }

    /// Everything as at the start: no accounts, no tokens, the users of the configuration, no CDN, no faults. The clock runs with the
    /// system's again, unless it is to be kept.
    pub(crate) fn reset(&self, keep_clock: bool) {
        for core in self.siblings.all() {
            drop_elsewhere(core.store.clear());
            core.cdn.clear();
            core.former_keys.forget(None);
        }
        self.seen_urls.forget(None);
        self.identity.reset();
        self.faults.clear();
        self.journal.clear();
        if !keep_clock {
            self.clock.reset();
        }
    }

    /// All accounts that somebody owns or that hold something, by name.
    pub(crate) fn account_summaries(&self) -> Vec<AccountSummary> {
        let mut all = self.identity.accounts();
        for core in self.siblings.all() {
            for name in core.store.account_names() {
                all.entry(name).or_insert(false);
            }
        }
        let now = self.clock.now().into();
        let summaries = all.into_iter().map(|(account, fresh)| {
            let mut summary = AccountSummary {
                account,
                fresh,
                containers: 0,
                objects: 0,
                bytes: 0,
            };
            for core in self.siblings.all() {
                if let Some(held) = core.store.account(&summary.account) {
                    for totals in held.totals(now) {
                        summary.containers += totals.containers;
                        summary.objects += totals.objects;
                        summary.bytes += totals.bytes;
                    }
                }
            }
            summary
        });
        summaries.collect()
    }
}

/// Gives back memory on a thread of its own, since a million objects take a while to go.
fn drop_elsewhere<T: Send + 'static>(former: T) {
    let thread = std::thread::Builder::new().name("emulator-drop".to_owned());
    // Where the machine has no thread to give, the closure is dropped here, and `former` with it.
    let _ = thread.spawn(move || drop(former));
}
