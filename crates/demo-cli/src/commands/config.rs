//! `cloudfiles config`: what is set, where it came from, and what could be.
//!
//! ```text
//! config show --json  {"cloud":"home","settings":[{"name":"auth_url","value":"https://…","secret":false,
//!                      "from":{"kind":"file","place":"/home/me/.config/openstack/clouds.yaml:4"}},…],
//!                      "token_cache":"/home/me/.cache/cloudfiles/tokens","method":"Keystone v3 password","problem":null}
//! config list --json  {"name":"home","place":"/home/me/.config/openstack/clouds.yaml"}, one a line
//! config path --json  {"path":"clouds.yaml","found":false}, one a line
//! ```
//!
//! The value of a secret is `null`.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::output::Output;
use crate::settings::{self, CloudArgs, Environment, Settings, Shown};

/// Shows the settings of clouds, and where they come from.
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows every setting of a cloud and where it came from; secrets as ***
    Show {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        cloud: Box<CloudArgs>,
    },
    /// Lists the clouds that can be named with --cloud
    List {
        /// Print one JSON object for each
        #[arg(long)]
        json: bool,
    },
    /// Lists the files in which settings are looked for
    Path {
        /// Print one JSON object for each
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: Config) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    match args.command {
        Command::Show { json, cloud } => show(&cloud, &environment, json),
        Command::List { json } => list(&environment, json),
        Command::Path { json } => path(&environment, json),
    }
}

fn show(args: &CloudArgs, environment: &Environment, json: bool) -> anyhow::Result<()> {
    let output = Output::new(json);
    let mut settings = Settings::select(args, environment)?;
    // What is wrong is told below what there is.
    let result = settings.resolve();
    let method = result.as_ref().map(|cloud| cloud.credentials.method());
    let problem = result.as_ref().err().map(|error| format!("{error:#}"));
    let rows: Vec<_> = settings.shown().collect();
    let wide = |text: fn(&Shown<'_>) -> usize| rows.iter().map(text).max().unwrap_or_default();
    let name_width = wide(|row| row.name.len()).max("token cache".len());
    let value_width = wide(|row| {
        row.value
            .as_deref()
            .map_or(3, |value| value.chars().count())
    });
    output.line(&format!("{:name_width$}  {}", "cloud", settings.name));
    for Shown {
        name,
        value,
        origin,
    } in &rows
    {
        let value = value.as_deref().unwrap_or("***");
        output.line(&format!(
            "{name:name_width$}  {value:value_width$}  {origin}"
        ));
    }
    let cache = settings
        .token_cache()
        .map(|path| path.display().to_string());
    let shown = cache.as_deref().unwrap_or("off");
    output.line(&format!("{:name_width$}  {shown}", "token cache"));
    if let Ok(method) = method {
        output.line(&format!("{:name_width$}  {method}", "method"));
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let from = json!({"kind": row.origin.kind(), "place": row.origin.to_string()});
            json!({"name": row.name, "value": row.value, "secret": row.value.is_none(), "from": from})
        })
        .collect();
    output.object(&json!({
        "cloud": settings.name,
        "settings": rows,
        "token_cache": cache,
        "method": method.ok(),
        "problem": problem,
    }));
    output.finish()?;
    result.map(|_| ())
}

fn list(environment: &Environment, json: bool) -> anyhow::Result<()> {
    let output = Output::new(json);
    let known = settings::known(environment)?;
    let width = known.iter().map(|cloud| cloud.name.chars().count()).max();
    let width = width.unwrap_or_default();
    for cloud in &known {
        output.line(&format!("{:width$}  {}", cloud.name, cloud.place));
        output.object(&json!({"name": cloud.name, "place": cloud.place}));
    }
    Ok(output.finish()?)
}

fn path(environment: &Environment, json: bool) -> anyhow::Result<()> {
    let output = Output::new(json);
    for path in settings::searched(environment) {
        let found = path.is_file();
        let mark = if found { "found  " } else { "-      " };
        output.line(&format!("{mark}{}", path.display()));
        output.object(&json!({"path": path, "found": found}));
    }
    Ok(output.finish()?)
}
