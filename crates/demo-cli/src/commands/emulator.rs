//! `cloudfiles emulator`: starts one, and steers one that runs by its control surface under `/_emulator/`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use ledger::What;
use reqwest::Method;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::offline::{Beginning, Offline};
use crate::record::Recorder;
use crate::running::{Target, escaped, show};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Starts an emulator and prints one line of JSON when it is ready; it ends with Ctrl-C
    Start(Beginning),
    /// Shows or changes what time it is there
    Clock {
        #[command(subcommand)]
        change: Option<Change>,
        #[command(flatten)]
        target: Target,
    },
    /// Lists what expires next, soonest first
    Deadlines {
        /// Only those of this account
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Makes it as new
    Reset {
        /// Only this account
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Lists, makes and drops accounts
    Account {
        #[command(subcommand)]
        change: Option<Account>,
        #[command(flatten)]
        target: Target,
    },
    /// Lists, adds and removes faults
    Faults {
        #[command(subcommand)]
        change: Option<Fault>,
        #[command(flatten)]
        target: Target,
    },
    /// Lists the requests it has had
    Requests {
        /// Go on with those that come
        #[arg(long, short)]
        follow: bool,
        /// Only some, such as `method=PUT` or `status=5xx`; may be repeated
        #[arg(long, value_name = "NAME=VALUE")]
        filter: Vec<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Saves its whole state into a file
    Snapshot {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Puts the state of a file in the place of all it has
    Restore {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Fills an account with the files of a folder of the emulator's machine
    Seed {
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// The account
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Tells why it would answer a URL as it would
    Explain {
        #[arg(value_name = "URL")]
        explained: String,
        /// The method that would be used
        #[arg(long, value_name = "METHOD", default_value = "GET")]
        method: String,
        /// The address that the request would come from
        #[arg(long, value_name = "ADDRESS")]
        ip: Option<std::net::IpAddr>,
        #[command(flatten)]
        target: Target,
    },
    /// Prints its counters, as Prometheus reads them
    Metrics {
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Change {
    /// Stops it
    Freeze,
    /// Lets it run on
    Resume,
    /// Sets it, also back
    Set {
        /// A moment, such as 2026-12-24T18:00:00Z
        #[arg(value_name = "MOMENT")]
        now: String,
    },
    /// Moves it forward
    Advance {
        /// How far, such as 90s, 2m or 1h
        #[arg(value_name = "DURATION")]
        duration: String,
    },
    /// Moves it to the next thing that expires
    NextDeadline {
        /// So many seconds after it, or before it if negative
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 0.0,
            allow_hyphen_values = true
        )]
        offset: f64,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Account {
    /// Makes a fresh one, and prints how to sign in; recorded with --ledger, so that a clean-up drops it
    New,
    /// Drops one with all it has
    Drop {
        #[arg(value_name = "ACCOUNT")]
        account: String,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Fault {
    /// Adds one, as JSON
    Add {
        #[arg(value_name = "JSON")]
        fault: String,
    },
    /// Removes one, or all
    Clear {
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
}

pub(crate) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    let (target, method, path, body) = match command {
        Command::Start(beginning) => return start(beginning, context).await,
        Command::Clock { change, target } => {
            let (path, body) = match change {
                None => return target.show(Method::GET, "clock", None, context).await,
                Some(Change::Freeze) => ("clock/freeze", json!({})),
                Some(Change::Resume) => ("clock/resume", json!({})),
                Some(Change::Set { now }) => ("clock/set", json!({"now": now})),
                Some(Change::Advance { duration }) => {
                    ("clock/advance", json!({"duration": duration}))
                }
                Some(Change::NextDeadline { offset }) => {
                    ("clock/advance-to-next-deadline", json!({"offset": offset}))
                }
            };
            (target, Method::POST, path.to_owned(), Some(body))
        }
        Command::Deadlines { account, target } => {
            let path = with_query(
                "deadlines",
                account.map(|account| ("account".to_owned(), account)),
            );
            (target, Method::GET, path, None)
        }
        Command::Reset { account, target } => {
            let path = account.map_or_else(
                || "reset".to_owned(),
                |account| format!("accounts/{}/reset", escaped(&account)),
            );
            (target, Method::POST, path, Some(json!({})))
        }
        Command::Account { change, target } => match change {
            None => (target, Method::GET, "accounts".to_owned(), None),
            Some(Account::New) => return new_account(&target, context).await,
            Some(Account::Drop { account }) => (
                target,
                Method::DELETE,
                format!("accounts/{}", escaped(&account)),
                None,
            ),
        },
        Command::Faults { change, target } => match change {
            None => (target, Method::GET, "faults".to_owned(), None),
            Some(Fault::Add { fault }) => {
                let fault = serde_json::from_str(&fault).context("the fault is not JSON")?;
                (target, Method::POST, "faults".to_owned(), Some(fault))
            }
            Some(Fault::Clear { id: None }) => (target, Method::DELETE, "faults".to_owned(), None),
            Some(Fault::Clear { id: Some(id) }) => (
                target,
                Method::DELETE,
                format!("faults/{}", escaped(&id)),
                None,
            ),
        },
        Command::Requests {
            follow,
            filter,
            target,
        } => {
            let pairs = filter.iter().map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name.to_owned(), value.to_owned())
            });
            if follow {
                return target
                    .follow(&with_query("requests/tail", pairs), context)
                    .await;
            }
            (target, Method::GET, with_query("requests", pairs), None)
        }
        Command::Snapshot { file, target } => return target.snapshot(&file, context).await,
        Command::Restore { file, target } => return target.restore(&file, context).await,
        Command::Seed {
            folder,
            account,
            target,
        } => {
            let folder = std::path::absolute(folder)?;
            let mut body = json!({"folder": folder});
            if let Some(account) = account {
                body["account"] = account.into();
            }
            (target, Method::POST, "seed".to_owned(), Some(body))
        }
        Command::Explain {
            explained,
            method,
            ip,
            target,
        } => {
            let mut body = json!({"url": explained, "method": method});
            if let Some(ip) = ip {
                body["ip"] = ip.to_string().into();
            }
            (target, Method::POST, "explain".to_owned(), Some(body))
        }
        Command::Metrics { target } => {
            let answer = target.send(target.request(Method::GET, "metrics")?).await?;
            context.output.bytes(&answer.bytes().await?);
            return Ok(Exit::Done);
        }
    };
    target.show(method, &path, body.as_ref(), context).await
}

async fn start(beginning: Beginning, context: &Context) -> anyhow::Result<Exit> {
    let emulator = Offline::start_with(beginning).await?;
    context
        .output
        .bytes(format!("{}\n", emulator.addresses()).as_bytes());
    context.output.flush();
    super::end_asked_for().await?;
    Ok(Exit::Done)
}

async fn new_account(target: &Target, context: &Context) -> anyhow::Result<Exit> {
    let Some(ledger) = context.ledger()? else {
        let nothing = json!({});
        return (target.show(Method::POST, "accounts", Some(&nothing), context)).await;
    };
    let recorder = Recorder::of_new_account(&ledger, &target.address())?;
    let planned = recorder.plan(What::Account).await?;
    let Some(made) = target.make_account(recorder.run()).await? else {
        recorder.forget(planned).await?;
        bail!(
            "there is an account {} already; try again",
            recorder.account()
        );
    };
    recorder.confirm(planned).await?;
    show(&made, context);
    Ok(Exit::Done)
}

fn with_query(path: &str, pairs: impl IntoIterator<Item = (String, String)>) -> String {
    let mut text = path.to_owned();
    for (place, (name, value)) in pairs.into_iter().enumerate() {
        text.push(if place == 0 { '?' } else { '&' });
        text += &escaped(&name);
        text.push('=');
        text += &escaped(&value);
    }
    text
}
