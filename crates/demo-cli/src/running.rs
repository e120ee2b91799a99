//! An emulator that runs somewhere, asked by HTTP.

use std::path::Path;

use anyhow::{Context as _, bail};
use futures_util::StreamExt;
use identity::Secret;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::settings::Environment;

/// Where an emulator is, and its control token if it has one.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The emulator's address
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "CLOUDFILES_EMULATOR",
        default_value = "http://127.0.0.1:8080"
    )]
    url: Url,
    /// The control token that it was started with
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = CONTROL_TOKEN,
        hide_env_values = true
    )]
    control_token: Option<Secret>,
}

/// The environment variable of the control token.
pub(crate) const CONTROL_TOKEN: &str = "CLOUDFILES_EMULATOR_CONTROL_TOKEN";

impl Target {
    /// The emulator at `url`, with the control token of the environment.
    pub(crate) fn at(url: &str, environment: &Environment) -> anyhow::Result<Self> {
        Ok(Self {
            url: url
                .parse()
                .with_context(|| format!("{url} is no address of an emulator"))?,
            control_token: environment.text(CONTROL_TOKEN).map(Secret::from),
        })
    }

    /// Its address, without a name and a password that may be in the URL.
    pub(crate) fn address(&self) -> String {
        let (origin, path) = (self.url.origin().ascii_serialization(), self.url.path());
        format!("{origin}{}", path.trim_end_matches('/'))
    }

    /// Makes an account for a project of this name, and gives what it tells: how to get in. `None` if there is such a
    /// project already.
    pub(crate) async fn make_account(&self, project: &str) -> anyhow::Result<Option<Value>> {
        let request = self.request(Method::POST, "accounts")?;
        let answer = self
            .answer(request.json(&json!({"project": project})))
            .await?;
        if answer.status() == StatusCode::CONFLICT {
            return Ok(None);
        }
        let told = accepted(answer).await?.json().await;
        Ok(Some(told.map_err(reqwest::Error::without_url)?))
    }

    /// Whether it has an account of this name.
    pub(crate) async fn has_account(&self, name: &str) -> anyhow::Result<bool> {
        #[derive(Deserialize)]
        struct Answer {
            accounts: Vec<Listed>,
        }
        #[derive(Deserialize)]
        struct Listed {
            account: String,
        }
        let answer = self.send(self.request(Method::GET, "accounts")?).await?;
        let answer: Answer = answer.json().await.map_err(reqwest::Error::without_url)?;
        Ok(answer.accounts.iter().any(|listed| listed.account == name))
    }

    /// Drops an account with all it has. `None` if it is not there.
    pub(crate) async fn drop_account(&self, name: &str) -> anyhow::Result<Option<()>> {
        let path = format!("accounts/{}", escaped(name));
        let answer = self.answer(self.request(Method::DELETE, &path)?).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        accepted(answer).await.map(|_| Some(()))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let base = self.url.as_str().trim_end_matches('/');
        let http = crate::settings::direct().client()?;
        let request = http.request(method, format!("{base}/_emulator/{path}"));
        Ok(match &self.control_token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        })
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        accepted(self.answer(request).await?).await
    }

    /// What it answers, whatever that is.
    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        answer.with_context(|| format!("the emulator at {}", self.address()))
    }

    /// Prints the JSON of an answer: with --json in one line, else for people to read.
    pub(crate) async fn show(
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
        show(&value, context);
        Ok(Exit::Done)
    }

    /// Prints the data of an event stream, line by line.
    pub(crate) async fn follow(&self, path: &str, context: &Context) -> anyhow::Result<Exit> {
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

    pub(crate) async fn snapshot(&self, file: &Path, context: &Context) -> anyhow::Result<Exit> {
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
        let text = || format!("saved into {}", file.display());
        let row = json!({"action": "snapshot", "path": file});
        context.output.done(text, &row);
        Ok(Exit::Done)
    }

    pub(crate) async fn restore(&self, file: &Path, context: &Context) -> anyhow::Result<Exit> {
        let open = tokio::fs::File::open(file).await;
        let open = open.with_context(|| file.display().to_string())?;
        let length = open.metadata().await?.len();
        let stream = tokio_util::io::ReaderStream::with_capacity(open, 256 << 10);
        let request = self.request(Method::PUT, "snapshot")?;
        let request = request
            .header("content-length", length)
            .body(reqwest::Body::wrap_stream(stream));
        self.send(request).await?;
        let text = || format!("restored from {}", file.display());
        let row = json!({"action": "restore", "path": file});
        context.output.done(text, &row);
        Ok(Exit::Done)
    }
}

/// Prints JSON: with --json in one line, else for people to read.
pub(crate) fn show(value: &Value, context: &Context) {
    let pretty = || format!("{value:#}").lines().map(str::to_owned).collect();
    context.output.lines(pretty, value);
}

/// A part of a path or a query.
pub(crate) fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The answer, if it is not a refusal.
async fn accepted(answer: Response) -> anyhow::Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let told: Value = answer.json().await.unwrap_or_default();
    let text = |name: &str| told["error"][name].as_str().unwrap_or_default().to_owned();
    match (text("field"), text("message")) {
        (_, message) if message.is_empty() => bail!("the emulator answered {status}"),
        (field, message) if field.is_empty() => bail!("{status}: {message}"),
        (field, message) => bail!("{status}: {field}: {message}"),
    }
}
