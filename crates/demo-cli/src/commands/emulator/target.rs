//! An emulator that runs somewhere, asked by HTTP.

use std::path::Path;

use anyhow::{Context as _, bail};
use futures_util::StreamExt;
use identity::Secret;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;

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

impl Target {
    pub(super) fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let base = self.url.as_str().trim_end_matches('/');
        let http = crate::settings::direct().client()?;
        let request = http.request(method, format!("{base}/_emulator/{path}"));
        Ok(match &self.control_token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        })
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
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
    pub(super) async fn show(
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
    pub(super) async fn follow(&self, path: &str, context: &Context) -> anyhow::Result<Exit> {
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

    pub(super) async fn snapshot(&self, file: &Path, context: &Context) -> anyhow::Result<Exit> {
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

    pub(super) async fn restore(&self, file: &Path, context: &Context) -> anyhow::Result<Exit> {
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
