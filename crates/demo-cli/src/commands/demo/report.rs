//! What a step tells, and whether its expectations were met.

use std::fmt::Display;

use anyhow::bail;
use serde::Serialize;

use crate::output::{Event, Output};

/// The report of one step, printed as it grows. In JSON it is one object:
///
/// ```json
/// {"step": 3, "title": "…", "status": "passed", "events": [{"sent": "…"}, {"received": "…"}, {"checked": "…"}]}
/// ```
///
/// Nothing in it is secret: neither tokens nor keys, and of signed URLs only the one that is to be shown.
pub(super) struct Report<'a> {
    output: &'a Output,
    step: u32,
    title: &'static str,
    events: Vec<Event>,
    skipped: bool,
}

/// A report as JSON.
#[derive(Serialize)]
struct Object<'a> {
    step: u32,
    title: &'a str,
    status: &'a str,
    events: &'a [Event],
}

impl<'a> Report<'a> {
    pub(super) fn start(output: &'a Output, step: u32, title: &'static str) -> Self {
        output.heading(step, title);
        Self {
            output,
            step,
            title,
            events: Vec::new(),
            skipped: false,
        }
    }

    /// What goes out.
    pub(super) fn sent(&mut self, text: impl Into<String>) {
        self.add(Event::Sent(text.into()));
    }

    /// What came back.
    pub(super) fn received(&mut self, text: impl Into<String>) {
        self.add(Event::Received(text.into()));
    }

    /// Anything else worth knowing.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.add(Event::Note(text.into()));
    }

    /// Says why there is nothing to do.
    pub(super) fn skip(&mut self, reason: &str) {
        self.skipped = true;
        self.note(format!("skipped: {reason}"));
    }

    /// Checks one expectation, which is said as a fact.
    pub(super) fn expect(&mut self, holds: bool, fact: impl Into<String>) -> anyhow::Result<()> {
        let fact = fact.into();
        if holds {
            self.add(Event::Checked(fact));
            Ok(())
        } else {
            bail!("an expectation broke: {fact}")
        }
    }

    /// Checks that what was found is what was expected.
    pub(super) fn expect_equal<T: PartialEq + Display>(
        &mut self,
        what: &str,
        found: &T,
        expected: &T,
    ) -> anyhow::Result<()> {
        if found == expected {
            self.add(Event::Checked(format!("{what} is {expected}")));
            Ok(())
        } else {
            bail!("an expectation broke: {what} is {expected}, but found was {found}")
        }
    }

    /// Ends the report. A failure is given back with the number of the step.
    pub(super) fn finish<T>(mut self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if let Err(error) = &result {
            self.add(Event::Broken(format!("{error:#}")));
        }
        let status = match &result {
            Err(_) => "failed",
            Ok(_) if self.skipped => "skipped",
            Ok(_) => "passed",
        };
        self.output.object(&Object {
            step: self.step,
            title: self.title,
            status,
            events: &self.events,
        });
        result.map_err(|error| error.context(format!("step {} ({})", self.step, self.title)))
    }

    fn add(&mut self, event: Event) {
        self.output.event(&event);
        self.events.push(event);
    }
}
