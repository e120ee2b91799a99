//! `cloudfiles cdn`: containers on the Cloud Files CDN.

use cdn_client::{CdnClient, CdnContainer, Error, ListOptions, Ttl};
use futures_util::TryStreamExt;
use ledger::What;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Exit;
use crate::place::CloudPlace;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Publishes a container, and tells where
    Publish {
        #[arg(value_name = "CONTAINER")]
        place: CloudPlace,
        /// How long edges keep what they fetch: 900 to 31536000 seconds
        #[arg(long, value_name = "SECONDS")]
        ttl: Option<Ttl>,
    },
    /// Takes a container off the CDN; edges serve what they have until its TTL has run out
    Unpublish {
        #[arg(value_name = "CONTAINER")]
        place: CloudPlace,
    },
    /// Tells what the CDN knows of a container
    Status {
        #[arg(value_name = "CONTAINER")]
        place: CloudPlace,
    },
    /// Lists published containers
    Ls {
        /// Also those that were published once
        #[arg(long, short)]
        all: bool,
    },
    /// Changes how long edges keep what they fetch from now on
    Ttl {
        #[arg(value_name = "CONTAINER")]
        place: CloudPlace,
        /// 900 to 31536000
        #[arg(value_name = "SECONDS")]
        ttl: Ttl,
    },
    /// Lets all edges drop an object, or all of a container where the service allows it; 25 times a day
    Purge {
        #[arg(value_name = "CONTAINER[/OBJECT]")]
        place: CloudPlace,
        /// Who is told when it is done; may be repeated
        #[arg(long, value_name = "ADDRESS")]
        email: Vec<String>,
    },
    /// Switches access logs, which go to the container .CDN_ACCESS_LOGS
    Logs {
        #[arg(value_name = "CONTAINER")]
        place: CloudPlace,
        /// on or off
        #[arg(value_name = "STATE", value_parser = ["on", "off"])]
        state: String,
    },
}

/// ```json
/// {"container": "photos", "enabled": true, "ttl": 259200, "log_retention": false, "uri": "…", "ssl_uri": "…",
///  "streaming_uri": "…", "ios_uri": "…"}
/// ```
#[derive(Serialize)]
struct Row<'a> {
    container: &'a str,
    enabled: bool,
    ttl: Option<u64>,
    log_retention: bool,
    uri: Option<&'a str>,
    ssl_uri: Option<&'a str>,
    streaming_uri: Option<&'a str>,
    ios_uri: Option<&'a str>,
}

#[derive(Serialize)]
struct Done<'a> {
    action: &'static str,
    name: &'a str,
}

pub(crate) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    let done = |action: &'static str, name: &str, text: String| {
        context.output.done(|| text, &Done { action, name });
    };
    match command {
        Command::Publish { place, ttl } => {
            let container = place.only_container()?;
            let cdn = CdnClient::new(&context.client(&place)?);
            match context.recorder("cdn", &place).await? {
                Some(recorder) if is_new(&cdn, container).await? => {
                    let container = container.to_owned();
                    let publication = What::CdnPublication { container };
                    let planned = recorder.plan(publication).await?;
                    cdn.publish(&place.container, ttl).await?;
                    recorder.confirm(planned).await?;
                }
                _ => drop(cdn.publish(container, ttl).await?),
            }
            show(context, &cdn.status(container).await?);
        }
        Command::Unpublish { place } => {
            let container = place.only_container()?;
            CdnClient::new(&context.client(&place)?)
                .unpublish(container)
                .await?;
            done(
                "unpublish",
                container,
                format!("{container} is off the CDN"),
            );
        }
        Command::Status { place } => {
            let container = place.only_container()?;
            show(
                context,
                &CdnClient::new(&context.client(&place)?)
                    .status(container)
                    .await?,
            );
        }
        Command::Ls { all } => {
            let cdn = CdnClient::new(&context.client_of(None)?);
            let options = ListOptions {
                enabled_only: !all,
                ..ListOptions::default()
            };
            let mut listing = cdn.list(options);
            while let Some(container) = listing.try_next().await? {
                let text = || {
                    let uri = container
                        .uris
                        .ssl
                        .as_deref()
                        .or(container.uris.http.as_deref());
                    let ttl = container.ttl_seconds.unwrap_or_default();
                    let state = if container.enabled { "on" } else { "off" };
                    format!(
                        "{state:>3} {ttl:>9} {} {}",
                        container.name,
                        uri.unwrap_or("-")
                    )
                };
                context.output.row(text, &row(&container));
                if context.output.is_closed() {
                    break;
                }
            }
        }
        Command::Ttl { place, ttl } => {
            let container = place.only_container()?;
            CdnClient::new(&context.client(&place)?)
                .set_ttl(container, ttl)
                .await?;
            done(
                "ttl",
                container,
                format!("the TTL of {container} is {ttl} s"),
            );
        }
        Command::Purge { place, email } => {
            place.in_container()?;
            let cdn = CdnClient::new(&context.client(&place)?);
            let emails: Vec<&str> = email.iter().map(String::as_str).collect();
            if place.is_container() {
                anyhow::ensure!(
                    !emails.is_empty(),
                    "{place} is a whole container, which is purged only for somebody who is told when it is done: say \
                     --email ADDRESS"
                );
                cdn.purge_container(&place.container, &emails).await?;
            } else {
                cdn.purge_object(&place.container, &place.object, &emails)
                    .await?;
            }
            let name = place.to_string();
            done("purge", &name, format!("edges are told to drop {name}"));
        }
        Command::Logs { place, state } => {
            let container = place.only_container()?;
            let cdn = CdnClient::new(&context.client(&place)?);
            cdn.set_log_retention(container, state == "on").await?;
            done(
                "logs",
                container,
                format!("access logs of {container} are {state}"),
            );
        }
    }
    Ok(Exit::Done)
}

/// Whether the CDN knows nothing of a container. What it knows is somebody else's, which no clean-up is to remove.
async fn is_new(cdn: &CdnClient, container: &str) -> Result<bool, Error> {
    match cdn.status(container).await {
        Ok(_) => Ok(false),
        Err(Error::NotPublished { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

fn row(container: &CdnContainer) -> Row<'_> {
    Row {
        container: &container.name,
        enabled: container.enabled,
        ttl: container.ttl_seconds,
        log_retention: container.log_retention,
        uri: container.uris.http.as_deref(),
        ssl_uri: container.uris.ssl.as_deref(),
        streaming_uri: container.uris.streaming.as_deref(),
        ios_uri: container.uris.ios.as_deref(),
    }
}

fn show(context: &Context, container: &CdnContainer) {
    let row = row(container);
    let text = || {
        let told = [
            ("container", Some(row.container.to_owned())),
            (
                "published",
                Some(if row.enabled { "yes" } else { "no" }.to_owned()),
            ),
            ("ttl", row.ttl.map(|seconds| format!("{seconds} s"))),
            (
                "logs",
                Some(if row.log_retention { "on" } else { "off" }.to_owned()),
            ),
            ("http", row.uri.map(str::to_owned)),
            ("https", row.ssl_uri.map(str::to_owned)),
            ("streaming", row.streaming_uri.map(str::to_owned)),
            ("iOS streaming", row.ios_uri.map(str::to_owned)),
        ];
        let told = told
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        told.map(|(name, value)| format!("{name:>13}: {value}"))
            .collect()
    };
    context.output.lines(text, &row);
}
