//! `cloudfiles tempurl key`: the keys of accounts and containers.

use anyhow::Context as _;
use serde::Serialize;
use signing::Key;
use swift_client::{Client, KeyScope, KeySlot};

use super::KeyArgs;
use crate::args::WrongUse;
use crate::context::Context;
use crate::exit::Exit;
use crate::place::CloudPlace;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows the keys that are set
    Show(Which),
    /// Sets a key
    Set {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Sets a random key, and shows it
    Generate(Which),
    /// Moves key 1 to place 2, where the URLs made with it go on working, and sets a random key 1
    Rotate(Which),
    /// Removes a key: URLs made with it work no more
    Remove(Which),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The container; without it, the account
    #[arg(value_name = "CONTAINER", default_value = "")]
    place: CloudPlace,
    /// Which of the two keys, 1 or 2
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    slot: u8,
}

impl Which {
    fn scope(&self) -> Result<KeyScope<'_>, WrongUse> {
        if self.place.is_account() {
            Ok(KeyScope::Account)
        } else {
            Ok(KeyScope::Container(self.place.only_container()?))
        }
    }

    fn slot(&self) -> KeySlot {
        if self.slot == 1 {
            KeySlot::One
        } else {
            KeySlot::Two
        }
    }
}

/// ```json
/// {"of": "photos", "slot": 1, "key": "…"}
/// ```
#[derive(Serialize)]
struct Row<'a> {
    of: &'a str,
    slot: u8,
    key: Option<&'a str>,
}

pub(super) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match &command {
        Command::Show(which) => {
            let client = context.client(&which.place)?;
            for (number, slot) in [(1, KeySlot::One), (2, KeySlot::Two)] {
                let key = client.temp_url_key(which.scope()?, slot).await?;
                tell(context, which, number, key.as_ref())?;
            }
        }
        Command::Set { which, key } => {
            let key = key.given()?.into_iter().next();
            let key = key
                .ok_or_else(|| WrongUse::new("say --key, --key-file or CLOUDFILES_TEMP_URL_KEY"))?;
            set(&context.client(&which.place)?, which, which.slot(), &key).await?;
            context
                .output
                .line(&format!("key {} of {} is set", which.slot, which.place));
        }
        Command::Generate(which) => {
            let key = Key::generate();
            set(&context.client(&which.place)?, which, which.slot(), &key).await?;
            tell(context, which, which.slot, Some(&key))?;
        }
        Command::Rotate(which) => {
            let client = context.client(&which.place)?;
            if let Some(old) = client.temp_url_key(which.scope()?, KeySlot::One).await? {
                set(&client, which, KeySlot::Two, &old).await?;
            }
            let key = Key::generate();
            set(&client, which, KeySlot::One, &key).await?;
            tell(context, which, 1, Some(&key))?;
        }
        Command::Remove(which) => {
            let client = context.client(&which.place)?;
            client
                .remove_temp_url_key(which.scope()?, which.slot())
                .await?;
            context
                .output
                .line(&format!("key {} of {} is removed", which.slot, which.place));
        }
    }
    Ok(Exit::Done)
}

async fn set(client: &Client, which: &Which, slot: KeySlot, key: &Key) -> anyhow::Result<()> {
    Ok(client.set_temp_url_key(which.scope()?, slot, key).await?)
}

fn tell(context: &Context, which: &Which, slot: u8, key: Option<&Key>) -> anyhow::Result<()> {
    let key = key.map(|key| std::str::from_utf8(key.expose())).transpose();
    let key = key.context("the key is not UTF-8")?;
    let of = which.place.to_string();
    let row = Row { of: &of, slot, key };
    context
        .output
        .result(|| format!("{slot} {}", key.unwrap_or("-")), &row);
    Ok(())
}
