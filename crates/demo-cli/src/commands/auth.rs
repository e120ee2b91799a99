//! `cloudfiles auth`: a token for other programs.

use identity::Secret;
use jiff::Timestamp;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Exit;

/// Signs in, and prints what other programs need to use the account
///
/// `eval "$(cloudfiles auth)"` lets python-swiftclient, rclone and all that read OS_STORAGE_URL and OS_AUTH_TOKEN work
/// until the token ends. Whoever has the token has the account: it is shown here and nowhere else.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "With --json it is {\"storage_url\", \"token\", \"expires\"}.")]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Row<'a> {
    storage_url: &'a str,
    token: &'a str,
    expires: Option<Timestamp>,
}

pub(crate) async fn run(context: &Context) -> anyhow::Result<Exit> {
    let client = context.client_of(None)?;
    let access = client.session().access().await?;
    let row = Row {
        storage_url: access.storage_url.as_str(),
        token: access.token.as_ref().map_or("", Secret::expose),
        expires: access.expires_at,
    };
    let lines = || {
        vec![
            format!("export OS_STORAGE_URL={}", quoted(row.storage_url)),
            format!("export OS_AUTH_TOKEN={}", quoted(row.token)),
        ]
    };
    context.output.lines(lines, &row);
    Ok(Exit::Done)
}

/// A word as shells read it.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_what_a_shell_would_read_otherwise() {
        assert_eq!(quoted("https://h:1/v1/AUTH_a"), "https://h:1/v1/AUTH_a");
        assert_eq!(quoted("a b$c"), "'a b$c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
