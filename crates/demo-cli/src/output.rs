//! The only file that prints. Results go to standard output, all else to standard error; colours only to terminals.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use identity::Secret;
use serde::Serialize;

/// How results are printed.
pub(crate) struct Output {
    json: bool,
    failure: RefCell<Option<io::Error>>,
}

/// What one line of a step tells. In JSON it is an object with one member, such as `{"sent": "GET /info"}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Event {
    /// What went out.
    Sent(String),
    /// What came back.
    Received(String),
    /// An expectation that was met.
    Checked(String),
    /// An expectation that was not met.
    Broken(String),
    /// Anything else.
    Note(String),
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            failure: RefCell::new(None),
        }
    }

    /// A line for people; JSON is without.
    pub(crate) fn line(&self, text: &str) {
        if !self.json {
            self.write(&visible(text));
        }
    }

    /// A document as it is, for people and programs alike.
    pub(crate) fn text(&self, text: &str) {
        self.write(text);
    }

    /// The title of a step; JSON has it in [`Output::object`].
    pub(crate) fn heading(&self, number: u32, title: &str) {
        if !self.json {
            let bold = Style::new().bold();
            self.write(&format!("\n{bold}{number:>2}. {title}{bold:#}"));
        }
    }

    /// A line below a title.
    pub(crate) fn event(&self, event: &Event) {
        if self.json {
            return;
        }
        let (mark, colour, text) = match event {
            Event::Sent(text) => ("→", AnsiColor::Cyan, text),
            Event::Received(text) => ("←", AnsiColor::Blue, text),
            Event::Checked(text) => ("✓", AnsiColor::Green, text),
            Event::Broken(text) => ("✗", AnsiColor::Red, text),
            Event::Note(text) => ("·", AnsiColor::Yellow, text),
        };
        let style = colour.on_default();
        self.write(&format!("    {style}{mark}{style:#} {}", visible(text)));
    }

    /// An object on a line of its own, with JSON only.
    pub(crate) fn object(&self, object: &impl Serialize) {
        if self.json {
            match serde_json::to_string(object) {
                Ok(text) => self.write(&text),
                Err(error) => self.fail(error.into()),
            }
        }
    }

    /// Whether everything was printed. A reader who has gone away is no failure.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.failure.into_inner() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn write(&self, line: &str) {
        if self.failure.borrow().is_some() {
            return;
        }
        let mut stdout = anstream::stdout();
        if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
            self.fail(error);
        }
    }

    /// Remembers the first failure. What is going on goes on: a clean-up must not stop because nobody reads.
    fn fail(&self, error: io::Error) {
        self.failure.borrow_mut().get_or_insert(error);
    }
}

/// Tells on standard error why the program stops, with all reasons in one line.
pub(crate) fn error(error: &anyhow::Error) {
    let red = AnsiColor::Red.on_default().bold();
    let text = visible(&format!("{error:#}"));
    // There is nobody left to tell if this fails.
    let _ = writeln!(anstream::stderr(), "{red}error{red:#}: {text}");
}

/// Tells something on standard error.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", visible(text));
}

/// Shows how long a wait still takes: on a terminal counting down in one line, else once.
pub(crate) fn countdown(left: Duration, first: bool, why: &str) {
    let seconds = left.as_secs_f64().ceil();
    let mut stderr = anstream::stderr();
    // Nothing is lost if nobody sees it.
    let _ = if stderr.is_terminal() {
        write!(stderr, "\r\x1b[2K      {seconds} s until {why}").and_then(|()| stderr.flush())
    } else if first {
        writeln!(stderr, "waiting {seconds} s until {why}")
    } else {
        Ok(())
    };
}

/// Wipes the line of [`countdown`].
pub(crate) fn end_countdown() {
    let mut stderr = anstream::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[2K").and_then(|()| stderr.flush());
    }
}

/// Asks a question on the terminal, or `None` if there is nobody to ask.
pub(crate) fn ask(question: &str) -> io::Result<Option<bool>> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(None);
    }
    let mut stderr = anstream::stderr();
    write!(stderr, "{} [y/N] ", visible(question))?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    let answer = answer.trim().to_ascii_lowercase();
    Ok(Some(matches!(answer.as_str(), "y" | "yes")))
}

/// Asks for a secret on the terminal without showing it, or `None` if there is nobody to ask.
pub(crate) fn ask_secret(question: &str) -> io::Result<Option<Secret>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let secret = rpassword::prompt_password(visible(question))?;
    Ok(Some(Secret::from(secret)).filter(|secret| !secret.expose().is_empty()))
}

/// Text in which names from outside cannot move the cursor or forge a line.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(visible, "{}", character.escape_default());
        } else {
            visible.push(character);
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn shows_control_characters_as_escapes() {
        assert_eq!(visible("a\x1b[31m\nb ü"), "a\\u{1b}[31m\\nb ü");
    }
}
