//! `cloudfiles formpost`: a form through which browsers upload files.

use serde::Serialize;
use signing::{Digest, Form, Signer, StorageUrl};

use super::tempurl::{KeyArgs, digest, digest_of, key_of};
use crate::context::Context;
use crate::exit::Exit;
use crate::place::CloudPlace;
use crate::transfer::bytes;
use crate::when::When;

/// Prints an HTML form through which browsers upload files
///
/// It is ready to be put on a page. Whoever has it may upload until it expires.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json it is {\"url\", \"redirect\", \"max_file_size\", \"max_file_count\", \"expires\", \"signature\"}.")]
pub(crate) struct Args {
    /// The container, and what the names of the uploaded files shall begin with
    #[arg(value_name = "CONTAINER[/PREFIX]")]
    place: CloudPlace,
    /// Where the browser goes afterwards
    #[arg(long, value_name = "URL", default_value = "")]
    redirect: String,
    /// The largest file that is taken, such as 10M
    #[arg(long, value_name = "SIZE", default_value = "100M", value_parser = bytes)]
    max_size: u64,
    /// How many files at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    max_count: u64,
    /// Until when: so long from now (3600, 2h, 7d), a moment, or @ and seconds since 1970
    #[arg(long, value_name = "WHEN", default_value = "1h", value_parser = When::parse)]
    expires: When,
    /// sha1, sha256 or sha512 [default: the best that the cloud takes, else sha256]
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    digest: Option<Digest>,
    /// Use the container's key and not the account's
    #[arg(long)]
    container_key: bool,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Serialize)]
struct Made<'a> {
    url: &'a str,
    redirect: &'a str,
    max_file_size: u64,
    max_file_count: u64,
    expires: u64,
    signature: &'a str,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let container = args.place.in_container()?;
    let client = context.client(&args.place)?;
    let key = match args.key.given()?.into_iter().next() {
        Some(key) => key,
        None => key_of(&client, container, args.container_key).await?,
    };
    let digest = match args.digest {
        Some(digest) => digest,
        None => digest_of(&client).await?,
    };
    let access = client.session().access().await?;
    let storage_url = StorageUrl::parse(access.public_storage_url.as_str())?;
    let prefix = args.place.object.as_str();
    let path = format!("{}/{container}/{prefix}", storage_url.account_path());
    let form = Form {
        path: &path,
        redirect: &args.redirect,
        max_file_size: args.max_size,
        max_file_count: args.max_count,
        expires: args.expires.seconds(client.session().clock().now())?,
    };
    let signature = Signer::new(&key, digest).sign_form(&form).to_hex();
    let below = swift_client::object_url(storage_url.as_str(), container);
    let url = swift_client::object_url(&below, prefix);
    let made = Made {
        url: &url,
        redirect: &args.redirect,
        max_file_size: form.max_file_size,
        max_file_count: form.max_file_count,
        expires: form.expires,
        signature: &signature,
    };
    context.output.lines(|| html(&made), &made);
    Ok(Exit::Done)
}

fn html(made: &Made<'_>) -> Vec<String> {
    let hidden = |name: &str, value: &str| {
        format!(
            "  <input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escaped(value)
        )
    };
    let mut lines = vec![
        format!(
            "<form action=\"{}\" method=\"POST\" enctype=\"multipart/form-data\">",
            escaped(made.url)
        ),
        hidden("redirect", made.redirect),
        hidden("max_file_size", &made.max_file_size.to_string()),
        hidden("max_file_count", &made.max_file_count.to_string()),
        hidden("expires", &made.expires.to_string()),
        hidden("signature", made.signature),
    ];
    // Swift wants the files behind all other fields.
    for number in 1..=made.max_file_count {
        lines.push(format!("  <input type=\"file\" name=\"file{number}\">"));
    }
    lines.push("  <input type=\"submit\">".to_owned());
    lines.push("</form>".to_owned());
    lines
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
