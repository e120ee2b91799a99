//! The control surface over HTTP: what `emulator/openapi.json` promises.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod clock;
mod deadlines;
mod explain;
mod guard;
mod malformed;

use emulator::{Builder, Emulator};
use serde_json::Value;
use support::{Answer, http};

/// An emulator and its control surface.
struct Control {
    emulator: Emulator,
}

impl Control {
    fn start() -> Self {
        Self::with(Emulator::builder())
    }

    fn with(builder: Builder) -> Self {
        let emulator = builder.start_blocking().expect("an emulator starts");
        Self { emulator }
    }

    /// A request to a path below `/_emulator/`.
    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let url = format!("{}{path}", self.emulator.control_url());
        http(method, &url, &[], body.as_bytes())
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, "").is(200).json()
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, body)
    }

    /// Insists that a request is refused with a status, and that the refusal names a field.
    #[track_caller]
    fn refuses(&self, method: &str, path: &str, body: &str, status: u16, field: &str) {
        let refused = self.send(method, path, body).is(status).json();
        assert_eq!(refused["error"]["field"], field, "{path} {body}: {refused}");
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{refused}");
    }
}
