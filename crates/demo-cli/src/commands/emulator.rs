//! `cloudfiles emulator`: starts one, and steers one that runs by its control surface under `/_emulator/`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use futures_util::StreamExt;
use identity::Secret;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::offline::Offline;

/// Where an emulator is, and its control token if it has one.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The emulator's address
    #[arg(
        long,
        value_name = "URL",
        env = "CLOUDFILES_EMULATOR",
        default_value = "http://127.0.0.1:8080"
    )]
    url: Url,
    /// The control token that it was started with
    #[arg(
        long,
        value_name = "TOKEN",
        env = "CLOUDFILES_EMULATOR_CONTROL_TOKEN",
        hide_env_values = true
    )]
    control_token: Option<Secret>,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Starts an emulator and prints one line of JSON when it is ready; it ends with Ctrl-C
    Start {
        /// Where it listens; port 0 takes a free port
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
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
    /// Makes a fresh one, and prints how to sign in
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
        Command::Start { listen } => return start(listen, context).await,
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
            Some(Account::New) => (target, Method::POST, "accounts".to_owned(), Some(json!({}))),
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

async fn start(listen: SocketAddr, context: &Context) -> anyhow::Result<Exit> {
    let emulator = Offline::start_at(listen).await?;
    context
        .output
        .bytes(format!("{}\n", emulator.addresses()).as_bytes());
    context.output.flush();
    super::end_asked_for().await?;
    Ok(Exit::Done)
}

impl Target {
    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let base = self.url.as_str().trim_end_matches('/');
        let http = crate::settings::direct().client()?;
        let request = http.request(method, format!("{base}/_emulator/{path}"));
        Ok(match &self.control_token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        let answer = answer.with_context(|| format!("the emulator at {}", self.url))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let told: Value = answer.json().await.unwrap_or_default();
        let text = |name: &str| told["error"][name].as_str().unwrap_or_default().to_owned();
        match (text("field"), text("message")) {
            (_, message) if message.is_empty() => bail!("the emulator answered {status}"),
            (field, message) if field.is_empty() => bail!("{status}: {message}"),
            (field, message) => bail!("{status}: {field}: {message}"),
        }
    }

    /// Prints the JSON of an answer: with --json in one line, else for people to read.
    async fn show(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        context: &Context,
    ) -> anyhow::Result<Exit> {
        let mut request = self.request(method, path)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        let text = self.send(request).await?.text().await?;
        if text.trim().is_empty() {
            return Ok(Exit::Done);
        }
        let value: Value = serde_json::from_str(&text).context("the answer is not JSON")?;
        let pretty = || format!("{value:#}").lines().map(str::to_owned).collect();
        context.output.lines(pretty, &value);
        Ok(Exit::Done)
    }

    /// Prints the data of an event stream, line by line.
    async fn follow(&self, path: &str, context: &Context) -> anyhow::Result<Exit> {
        let answer = self.send(self.request(Method::GET, path)?).await?;
        let mut chunks = answer.bytes_stream();
        let mut rest = Vec::new();
        while let Some(chunk) = chunks.next().await {
            rest.extend_from_slice(&chunk.map_err(reqwest::Error::without_url)?);
            while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    context.output.bytes(data.trim_ascii_start());
                    context.output.flush();
                }
            }
            if context.output.is_closed() {
                break;
            }
        }
        Ok(Exit::Done)
    }

    async fn snapshot(&self, file: &PathBuf, context: &Context) -> anyhow::Result<Exit> {
        let answer = self.send(self.request(Method::GET, "snapshot")?).await?;
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut partial = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| ".".as_ref()))?;
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            std::io::Write::write_all(&mut partial, &chunk.map_err(reqwest::Error::without_url)?)?;
        }
        partial.as_file().sync_all()?;
        partial
            .persist(file)
            .with_context(|| file.display().to_string())?;
        context
            .output
            .line(&format!("saved into {}", file.display()));
        Ok(Exit::Done)
    }

    async fn restore(&self, file: &PathBuf, context: &Context) -> anyhow::Result<Exit> {
        let open = tokio::fs::File::open(file).await;
        let open = open.with_context(|| file.display().to_string())?;
        let length = open.metadata().await?.len();
        let stream = tokio_util::io::ReaderStream::with_capacity(open, 256 << 10);
        let request = self.request(Method::PUT, "snapshot")?;
        let request = request
            .header("content-length", length)
            .body(reqwest::Body::wrap_stream(stream));
        self.send(request).await?;
        context
            .output
            .line(&format!("restored from {}", file.display()));
        Ok(Exit::Done)
    }
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

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
