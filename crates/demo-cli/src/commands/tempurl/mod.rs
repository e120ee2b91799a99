//! `cloudfiles tempurl`: URLs that let anyone use an object for a while, and the keys they are signed with.

mod explain;
mod key;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use signing::{Digest, ExpiresFormat, Key, Method, Signer, StorageUrl, TempUrl};
use swift_client::{Client, Error, KeyScope, KeySlot};

use crate::args::WrongUse;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::place::CloudPlace;
use crate::when::When;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes a URL for an object, or for all objects whose names begin alike
    ///
    /// Whoever has the URL may do what it is for until it expires, without an account.
    Create(Box<Create>),
    /// Tells whether the server would let a URL in; exit code 1 if not
    Verify(explain::Args),
    /// Tells why a URL works or not: offline with --key, else with the keys of account and container
    Explain(explain::Args),
    /// Shows and changes the keys that URLs are signed with
    #[command(subcommand)]
    Key(key::Command),
}

/// Where the key comes from, if not from the account or the container.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// The key. Other users of this machine can see it; --key-file and the variable are safer
    #[arg(
        long,
        env = "CLOUDFILES_TEMP_URL_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    key: Vec<String>,
    /// A file of which the key is the first line
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The keys that were given.
    pub(crate) fn given(&self) -> anyhow::Result<Vec<Key>> {
        let Some(file) = &self.key_file else {
            return Ok(self.key.iter().map(Key::new).collect());
        };
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            bail!("{} has no key in its first line", file.display());
        }
        Ok(vec![Key::new(line)])
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// The object, or with --prefix what names begin with; a URL of it, and --key, need no cloud to ask
    #[arg(value_name = "CONTAINER/OBJECT")]
    place: String,
    /// What the URL lets people do: GET (with HEAD), HEAD, PUT, POST or DELETE
    #[arg(long, value_name = "METHOD", default_value = "GET", value_parser = method)]
    method: Method,
    /// Until when: so long from now (3600, 2h, 7d), a moment (2026-12-24T18:00:00Z), or @ and seconds since 1970
    #[arg(long, value_name = "WHEN", default_value = "1h", value_parser = When::parse)]
    expires: When,
    /// For all objects whose names begin so
    #[arg(long)]
    prefix: bool,
    /// sha1, sha256 or sha512 [default: the best that the cloud takes, else sha256]
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    digest: Option<Digest>,
    /// Only from this address or network, such as 192.0.2.0/24
    #[arg(long, value_name = "ADDRESS", value_parser = ip_range)]
    ip: Option<String>,
    /// The name under which browsers store it
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
    /// Let browsers show it rather than store it
    #[arg(long)]
    inline: bool,
    /// Write the expiry as a date, which Swift reads from 2.13 on
    #[arg(long)]
    iso8601: bool,
    /// Use the container's key and not the account's
    #[arg(long)]
    container_key: bool,
    #[command(flatten)]
    key: KeyArgs,
}

/// ```json
/// {"url": "…", "method": "GET", "expires": 1400000000, "digest": "sha256"}
/// ```
#[derive(Serialize)]
struct Made<'a> {
    url: &'a str,
    method: &'a str,
    expires: u64,
    digest: &'a str,
}

pub(crate) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Create(args) => args.run(context).await,
        Command::Verify(args) => args.run(false, context).await,
        Command::Explain(args) => args.run(true, context).await,
        Command::Key(command) => key::run(command, context).await,
    }
}

impl Create {
    async fn run(&self, context: &Context) -> anyhow::Result<Exit> {
        let given = self.key.given()?.into_iter().next();
        let Signing {
            place,
            storage_url,
            key,
            digest,
            now,
        } = match self.place.split_once("://") {
            Some(("http" | "https", _)) => self.offline(given, context)?,
            _ => self.in_cloud(given, context).await?,
        };
        let expires = self.expires.seconds(now)?;
        let (container, object) = (place.container.as_str(), place.object.as_str());
        let url = TempUrl {
            prefix: self.prefix.then_some(object),
            ip_range: self.ip.as_deref(),
            filename: self.filename.as_deref(),
            inline: self.inline,
            expires_format: if self.iso8601 {
                ExpiresFormat::Iso8601
            } else {
                ExpiresFormat::UnixSeconds
            },
            ..TempUrl::new(self.method, storage_url.object(container, object), expires)
        };
        let url = Signer::new(&key, digest).url(&url);
        let made = Made {
            url: &url,
            method: self.method.as_str(),
            expires,
            digest: digest.name(),
        };
        context.output.result(|| url.clone(), &made);
        if expires <= u64::try_from(now.as_second()).unwrap_or(0) {
            output::warning("this URL has expired already");
        }
        Ok(Exit::Done)
    }

    /// The object that a URL names, and the key that was given for it.
    fn offline(&self, key: Option<Key>, context: &Context) -> anyhow::Result<Signing> {
        let wrong = || {
            WrongUse::new(
                "the URL is not one of an object: https://HOST/v1/ACCOUNT/CONTAINER/OBJECT",
            )
        };
        let key = key.ok_or_else(|| {
            WrongUse::new("for a URL say --key, --key-file or CLOUDFILES_TEMP_URL_KEY")
        })?;
        let scheme = self.place.find("://").map_or(0, |at| at + "://".len());
        // Behind the host come version, account, container and object.
        let mut slashes = self.place[scheme..].match_indices('/');
        let container = slashes.nth(2).ok_or_else(wrong)?.0 + scheme;
        let storage_url = StorageUrl::parse(&self.place[..container])?;
        let place = percent_decode_str(&self.place[container + 1..]).decode_utf8()?;
        let place: CloudPlace = place.parse().map_err(|_| wrong())?;
        self.check(&place)?;
        Ok(Signing {
            place,
            storage_url,
            key,
            digest: self.digest.unwrap_or(Digest::Sha256),
            now: context.now(),
        })
    }

    /// The object in a cloud, which is asked for what was not said.
    async fn in_cloud(&self, key: Option<Key>, context: &Context) -> anyhow::Result<Signing> {
        let place: CloudPlace = self
            .place
            .parse()
            .map_err(|reason: String| WrongUse::new(reason))?;
        self.check(&place)?;
        let client = context.client(&place)?;
        let key = match key {
            Some(key) => key,
            None => key_of(&client, &place.container, self.container_key).await?,
        };
        let digest = match self.digest {
            Some(digest) => digest,
            None => digest_of(&client).await?,
        };
        let access = client.session().access().await?;
        Ok(Signing {
            place,
            storage_url: StorageUrl::parse(access.public_storage_url.as_str())?,
            key,
            digest,
            now: client.session().clock().now(),
        })
    }

    fn check(&self, place: &CloudPlace) -> Result<(), WrongUse> {
        place.in_container()?;
        if !self.prefix {
            place.only_object()?;
        }
        Ok(())
    }
}

/// What a temp URL is made of.
struct Signing {
    place: CloudPlace,
    storage_url: StorageUrl,
    key: Key,
    digest: Digest,
    now: Timestamp,
}

/// The best digest the cloud takes; SHA-256 where it does not say.
pub(super) async fn digest_of(client: &Client) -> anyhow::Result<Digest> {
    match client.capabilities().await {
        Ok(info)
            if info
                .tempurl
                .as_ref()
                .is_some_and(|tempurl| tempurl.allowed_digests.is_some()) =>
        {
            Ok(client.temp_url_digest().await?)
        }
        Ok(_) | Err(Error::NotFound(_) | Error::Forbidden(_) | Error::Unauthorized(_)) => {
            Ok(Digest::Sha256)
        }
        Err(error) => Err(error.into()),
    }
}

/// A key that is set: the account's, or the container's where there is none or that is wanted.
pub(super) async fn key_of(
    client: &Client,
    container: &str,
    of_container: bool,
) -> anyhow::Result<Key> {
    let mut scopes = vec![KeyScope::Account, KeyScope::Container(container)];
    if of_container {
        scopes.remove(0);
    }
    for scope in scopes {
        for slot in [KeySlot::One, KeySlot::Two] {
            if let Some(key) = client.temp_url_key(scope, slot).await? {
                return Ok(key);
            }
        }
    }
    bail!("there is no temp-URL key: `cloudfiles tempurl key generate` makes one")
}

pub(super) fn method(text: &str) -> Result<Method, String> {
    let method = text.to_ascii_uppercase().parse();
    method.map_err(|_| "it is GET, HEAD, PUT, POST or DELETE".to_owned())
}

pub(super) fn digest(text: &str) -> Result<Digest, String> {
    let named = Digest::ALL
        .into_iter()
        .find(|digest| digest.name() == text.to_ascii_lowercase());
    named.ok_or_else(|| "it is sha1, sha256 or sha512".to_owned())
}

fn ip_range(text: &str) -> Result<String, String> {
    match text.parse::<signing::IpRange>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// For a URL that is no temp URL at all.
fn not_signed() -> WrongUse {
    WrongUse::new("this URL has neither a signature nor an expiry")
}
