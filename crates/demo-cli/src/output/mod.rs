//! The only file that prints. Results go to standard output, all else to standard error; colours only to terminals.

mod format;
mod progress;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use identity::Secret;
use serde::Serialize;

pub(crate) use format::{count, size, time};
pub(crate) use progress::Bar;

/// How results are printed.
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    /// As it is: what is printed may be anything.
    stdout: RefCell<BufWriter<io::Stdout>>,
    colours: bool,
    failure: RefCell<Option<io::Error>>,
    /// The bar on the terminal, which steps aside for each line.
    bar: RefCell<Bar>,
    /// Whether lines of results go where the bar is.
    on_terminal: bool,
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
            quiet: false,
            stdout: RefCell::new(BufWriter::with_capacity(64 << 10, io::stdout())),
            colours: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            failure: RefCell::new(None),
            bar: RefCell::new(Bar::new(false)),
            on_terminal: io::stdout().is_terminal(),
        }
    }

    /// As `--quiet` wants it.
    pub(crate) fn quiet(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// A bar for transfers, if there is a terminal to show it on. It goes with [`Output::finish`].
    pub(crate) fn bar(&self) -> Bar {
        let bar = Bar::new(io::stderr().is_terminal() && !self.quiet && !self.json);
        *self.bar.borrow_mut() = bar.clone();
        bar
    }

    /// Takes the bar away for good.
    fn end_bar(&self) {
        self.bar.borrow().end();
    }

    /// Takes the bar away while something else is written.
    fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        let bar = self.bar.borrow();
        bar.aside(write)
    }

    /// Whether nobody reads any more, so that what only prints can stop.
    pub(crate) fn is_closed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// What was asked for: one of few lines, or its JSON.
    pub(crate) fn result(&self, text: impl FnOnce() -> String, object: &impl Serialize) {
        self.row(text, object);
        self.flush();
    }

    /// What was asked for: one of many lines, or its JSON. It may be printed only with the lines that follow.
    pub(crate) fn row(&self, text: impl FnOnce() -> String, object: &impl Serialize) {
        if self.json {
            self.put_object(object);
        } else {
            self.put(&visible(&text()));
        }
    }

    /// What was asked for: several lines, or its JSON.
    pub(crate) fn lines(&self, lines: impl FnOnce() -> Vec<String>, object: &impl Serialize) {
        if self.json {
            self.put_object(object);
        } else {
            for line in lines() {
                self.put(&visible(&line));
            }
        }
        self.flush();
    }

    /// That something was done: a line that `--quiet` leaves out, or its JSON.
    pub(crate) fn done(&self, text: impl FnOnce() -> String, object: &impl Serialize) {
        if self.json || !self.quiet {
            self.result(text, object);
        }
    }

    /// That something failed, of which there may be more: a line on standard error, and with JSON an object as well.
    pub(crate) fn failed(&self, text: &str, object: &impl Serialize) {
        self.aside(|| report("error", AnsiColor::Red, text));
        self.object(object);
    }

    /// Why the command ends before all was done: a line on standard error, and with JSON `{"error": "…"}` as well.
    pub(crate) fn ends_with(&self, error: &anyhow::Error) {
        self.end_bar();
        let text = format!("{error:#}");
        self.failed(&text, &serde_json::json!({ "error": text }));
    }

    /// That somebody has interrupted the command, and how to go on.
    pub(crate) fn interrupted(&self, hint: Option<&str>) {
        self.end_bar();
        self.warning(&match hint {
            Some(hint) => format!("interrupted; {hint}"),
            None => "interrupted".to_owned(),
        });
    }

    /// What may be a mistake: a line on standard error.
    pub(crate) fn warning(&self, text: &str) {
        self.aside(|| warning(text));
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        self.attempt(|stdout| stdout.write_all(bytes));
    }

    /// A line for people; JSON is without, and so is `--quiet`.
    pub(crate) fn line(&self, text: &str) {
        if !self.json && !self.quiet {
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
            self.styled(&format!("\n{bold}{number:>2}. {title}{bold:#}"));
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
        self.styled(&format!("    {style}{mark}{style:#} {}", visible(text)));
    }

    /// An object on a line of its own, with JSON only.
    pub(crate) fn object(&self, object: &impl Serialize) {
        if self.json {
            self.put_object(object);
            self.flush();
        }
    }

    /// Whether everything was printed. A reader who has gone away is no failure.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.end_bar();
        self.flush();
        match self.failure.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn put_object(&self, object: &impl Serialize) {
        match serde_json::to_string(object) {
            Ok(text) => self.put(&text),
            Err(error) => self.fail(error.into()),
        }
    }

    /// A line with colours in it, for those who see them.
    fn styled(&self, line: &str) {
        if self.colours {
            self.write(line);
        } else {
            self.write(&strip_str(line).to_string());
        }
    }

    fn write(&self, line: &str) {
        self.put(line);
        self.flush();
    }

    fn put(&self, line: &str) {
        self.attempt(|stdout| writeln!(stdout, "{line}"));
    }

    /// Sends all lines on their way.
    pub(crate) fn flush(&self) {
        self.attempt(Write::flush);
    }

    fn attempt(&self, write: impl FnOnce(&mut BufWriter<io::Stdout>) -> io::Result<()>) {
        if self.failure.borrow().is_some() {
            return;
        }
        let write = || write(&mut self.stdout.borrow_mut());
        let written = if self.on_terminal {
            self.aside(write)
        } else {
            write()
        };
        if let Err(error) = written {
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
    report("error", AnsiColor::Red, &format!("{error:#}"));
}

/// Tells on standard error what may be a mistake, where no bar can be.
pub(crate) fn warning(text: &str) {
    report("warning", AnsiColor::Yellow, text);
}

fn report(kind: &str, colour: AnsiColor, text: &str) {
    let style = colour.on_default().bold();
    let text = visible(text);
    // There is nobody left to tell if this fails.
    let _ = writeln!(anstream::stderr(), "{style}{kind}{style:#}: {text}");
}

/// Shows requests on standard error, with their transaction ids: with 1 those of object storage, with 2 and more all
/// that our libraries tell. Tokens, keys and signatures are never among it.
pub(crate) fn log(verbosity: u8) {
    let filter = match verbosity {
        0 => return,
        1 => "swift_client=debug,cdn_client=debug,identity=info",
        _ => "swift_client=trace,cdn_client=trace,identity=trace,cloudfiles=trace",
    };
    // A second subscriber cannot be: this is called once.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(anstream::stderr)
        .with_target(verbosity > 1)
        .without_time()
        .compact()
        .try_init();
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

/// Text in which names from outside cannot move the cursor, forge a line or show their letters in another order.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || directs(character) {
            // Writing to a string cannot fail.
            let _ = write!(visible, "{}", character.escape_default());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// Whether a character has no shape of its own and changes the order or the lines of others.
fn directs(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn shows_control_characters_as_escapes() {
        assert_eq!(visible("a\x1b[31m\nb ü"), "a\\u{1b}[31m\\nb ü");
    }

    #[test]
    fn shows_what_turns_letters_around_as_escapes() {
        assert_eq!(visible("fdp.\u{202e}exe"), "fdp.\\u{202e}exe");
    }
}
