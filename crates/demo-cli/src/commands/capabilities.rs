//! `cloudfiles capabilities`: what the cloud says of itself at `/info`.

use http::Method;
use serde_json::{Map, Value};
use swift_client::{Request, Service};

use crate::context::Context;
use crate::exit::Exit;

/// What `/info` may hold at most, in bytes.
const MAX_INFO_BYTES: u64 = 1 << 20;

/// Tells what the cloud can do, and its limits
///
/// All of it is what the cloud says of itself.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "With --json it is one object, as the cloud sends it.")]
pub(crate) struct Args {
    /// Only these sections, such as `swift`, `tempurl` or `slo`
    #[arg(value_name = "SECTION")]
    sections: Vec<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let client = context.client_of(None)?;
    let request = Request {
        service: Service::Info,
        ..Request::account(Method::GET)
    };
    let answer = client.transport().send(request).await?;
    let mut info: Map<String, Value> =
        serde_json::from_slice(&answer.bytes(MAX_INFO_BYTES).await?)?;
    for section in &args.sections {
        if !info.contains_key(section) {
            anyhow::bail!("this cloud has no {section}");
        }
    }
    if !args.sections.is_empty() {
        info.retain(|name, _| args.sections.contains(name));
    }
    let text = || {
        let mut lines = Vec::new();
        for (section, settings) in &info {
            lines.push(section.clone());
            for (name, value) in settings.as_object().into_iter().flatten() {
                lines.push(format!("  {name}: {}", shown(value)));
            }
        }
        lines
    };
    context.output.lines(text, &info);
    Ok(Exit::Done)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(shown).collect();
            values.join(", ")
        }
        other => other.to_string(),
    }
}
