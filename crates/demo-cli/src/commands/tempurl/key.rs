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
use crate::record::Recorder;

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
/// {"action": "show" | "set" | "generate" | "rotate" | "remove", "of": "photos", "slot": 1, "key": "…"}
/// ```
///
/// A key that was typed is not repeated.
#[derive(Serialize)]
struct Row<'a> {
    action: &'static str,
    of: &'a str,
    slot: u8,
    key: Option<&'a str>,
}

#[derive(Serialize)]
struct Done<'a> {
    action: &'static str,
    of: &'a str,
    slot: u8,
}

pub(super) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match &command {
        Command::Show(which) => {
            let client = context.client(&which.place)?;
            for (number, slot) in [(1, KeySlot::One), (2, KeySlot::Two)] {
                let key = client.temp_url_key(which.scope()?, slot).await?;
                tell(context, "show", which, number, key.as_ref())?;
            }
        }
        Command::Set { which, key } => {
            let key = key.given()?.into_iter().next();
            let key = key
                .ok_or_else(|| WrongUse::new("say --key, --key-file or CLOUDFILES_TEMP_URL_KEY"))?;
            Setter::new(which, context)
                .await?
                .set(which.slot(), &key)
                .await?;
            done(context, "set", which);
        }
        Command::Generate(which) => {
            let key = Key::generate();
            Setter::new(which, context)
                .await?
                .set(which.slot(), &key)
                .await?;
            tell(context, "generate", which, which.slot, Some(&key))?;
        }
        Command::Rotate(which) => {
            let setter = Setter::new(which, context).await?;
            let client = &setter.client;
            if let Some(old) = client.temp_url_key(which.scope()?, KeySlot::One).await? {
                setter.set(KeySlot::Two, &old).await?;
            }
            let key = Key::generate();
            setter.set(KeySlot::One, &key).await?;
            tell(context, "rotate", which, 1, Some(&key))?;
        }
        Command::Remove(which) => {
            let client = context.client(&which.place)?;
            client
                .remove_temp_url_key(which.scope()?, which.slot())
                .await?;
            done(context, "remove", which);
        }
    }
    Ok(Exit::Done)
}

/// Sets keys of one account or container, and records it if that was asked for.
struct Setter<'a> {
    which: &'a Which,
    client: Client,
    recorder: Option<Recorder>,
}

impl<'a> Setter<'a> {
    async fn new(which: &'a Which, context: &Context) -> anyhow::Result<Self> {
        which.scope()?;
        Ok(Self {
            which,
            client: context.client(&which.place)?,
            recorder: context.recorder("tempurl-key", &which.place).await?,
        })
    }

    async fn set(&self, slot: KeySlot, key: &Key) -> anyhow::Result<()> {
        let scope = self.which.scope()?;
        let planned = match &self.recorder {
            None => None,
            Some(recorder) => {
                let former = self.client.temp_url_key(scope, slot).await?;
                if former.as_ref() == Some(key) {
                    return Ok(());
                }
                let container = match scope {
                    KeyScope::Account => None,
                    KeyScope::Container(container) => Some(container),
                };
                let planned = recorder.plan_key(container, slot, former.as_ref(), key);
                Some((recorder, planned.await?))
            }
        };
        self.client.set_temp_url_key(scope, slot, key).await?;
        if let Some((recorder, planned)) = planned {
            recorder.confirm(planned).await?;
        }
        Ok(())
    }
}

fn done(context: &Context, action: &'static str, which: &Which) {
    let (of, slot) = (which.place.to_string(), which.slot);
    let row = Done {
        action,
        of: &of,
        slot,
    };
    let is = if action == "set" {
        "is set"
    } else {
        "is removed"
    };
    let text = || format!("key {slot} of {of} {is}");
    context.output.done(text, &row);
}

fn tell(
    context: &Context,
    action: &'static str,
    which: &Which,
    slot: u8,
    key: Option<&Key>,
) -> anyhow::Result<()> {
    let key = key.map(|key| std::str::from_utf8(key.expose())).transpose();
    let key = key.context("the key is not UTF-8")?;
    let of = which.place.to_string();
    let row = Row {
        action,
        of: &of,
        slot,
        key,
    };
    context
        .output
        .result(|| format!("{slot} {}", key.unwrap_or("-")), &row);
    Ok(())
}
