//! What expires next, and why; and stepping there.

mod seen;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::core::Core;
use crate::emulator::Emulator;
use crate::services::cdn::CopyExpiry;
use crate::timestamp::Timestamp;

pub(crate) use seen::{SeenUrls, Signed};

/// A moment at which something ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadline {
    /// The moment, by the emulator's clock.
    pub at: SystemTime,
    /// What ends.
    pub kind: DeadlineKind,
    /// Whether it is still good at the very moment, and over only after it: so it is with temporary URLs, forms and
    /// tokens. Objects and copies are gone at the moment itself.
    pub inclusive: bool,
    /// The account it belongs to; none for a token that is for no account.
    pub account: Option<String>,
    /// The region that the object or copy is in.
    pub region: Option<String>,
    /// The container; none for a token.
    pub container: Option<String>,
    /// The object, or for a form what the objects' names begin with; none for a token.
    pub object: Option<String>,
    /// The method of the temporary URL or form.
    pub method: Option<String>,
    /// The user whose token it is.
    pub user: Option<String>,
}

/// What can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeadlineKind {
    /// A temporary URL that has been used since it was made.
    TempUrl,
    /// An upload form that has been used.
    Form,
    /// An object with `X-Delete-At`.
    Object,
    /// A token.
    Token,
    /// What an edge of the CDN holds: a copy of an object, or that there is none.
    CdnCopy,
}

impl DeadlineKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TempUrl,
        Self::Form,
        Self::Object,
        Self::Token,
        Self::CdnCopy,
    ];

    /// Its name on the control surface: `temp_url`, `form`, `object`, `token`, `cdn_copy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TempUrl => "temp_url",
            Self::Form => "form",
            Self::Object => "object",
            Self::Token => "token",
            Self::CdnCopy => "cdn_copy",
        }
    }
}

impl fmt::Display for DeadlineKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Deadline {
    /// Why it is a deadline, in a sentence's part: `the token of test:tester runs out`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (container, object) = (text(&self.container), text(&self.object));
        match self.kind {
            DeadlineKind::TempUrl => {
                let method = text(&self.method);
                write!(
                    formatter,
                    "a temporary URL for {method} of {container}/{object} runs out"
                )
            }
            DeadlineKind::Form => {
                write!(
                    formatter,
                    "an upload form for {container}/{object} runs out"
                )
            }
            DeadlineKind::Object => {
                write!(formatter, "X-Delete-At of {container}/{object} is reached")
            }
            DeadlineKind::Token => write!(formatter, "the token of {} runs out", text(&self.user)),
            DeadlineKind::CdnCopy => {
                write!(
                    formatter,
                    "the edge's copy of {container}/{object} is too old"
                )
            }
        }
    }
}

/// Where to stand, seen from a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// So long before it.
    Before(Duration),
    /// At the moment itself.
    At,
    /// So long after it.
    After(Duration),
}

impl Offset {
    fn from(self, at: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Before(by) => at.checked_sub(by),
            Self::At => Some(at),
            Self::After(by) => at.checked_add(by),
        }
    }
}

/// Which deadlines are wanted; by default all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) account: Option<&'a str>,
    pub(crate) kind: Option<DeadlineKind>,
}

/// How many deadlines are told of at once.
pub(crate) const MOST: usize = 10_000;

impl Emulator {
    /// What expires next, soonest first: temporary URLs and forms that were used, objects with `X-Delete-At`, tokens, and
    /// what the CDN's edge holds. At most 10,000.
    pub fn deadlines(&self) -> Vec<Deadline> {
        self.core().deadlines(Wanted::default(), MOST)
    }

    /// Moves the clock forward to the next deadline, or to a place before or behind it, and says which it was. `None`, and
    /// the clock stays, where nothing has such a place ahead. The clock goes on running or standing still as it did.
    ///
    /// ```
    /// use std::time::Duration;
    /// use emulator::Offset;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let emulator = emulator::Emulator::builder().start().await?;
    /// emulator.clock().freeze();
    /// // Nothing has been done yet that could expire.
    /// let second = Duration::from_secs(1);
    /// assert_eq!(emulator.advance_to_next_deadline(Offset::Before(second)), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn advance_to_next_deadline(&self, offset: Offset) -> Option<Deadline> {
        self.core()
            .advance_to_next_deadline(Wanted::default(), offset)
    }
}

impl Core {
    /// What has not ended by now, soonest first.
    pub(crate) fn deadlines(&self, wanted: Wanted<'_>, limit: usize) -> Vec<Deadline> {
        self.deadlines_from(self.clock.now(), wanted, limit)
    }

    /// Moves the clock to the first place at this offset from a deadline that lies ahead of it. `None`, and the clock
    /// stays, where there is none.
    pub(crate) fn advance_to_next_deadline(
        &self,
        wanted: Wanted<'_>,
        offset: Offset,
    ) -> Option<Deadline> {
        let now = self.clock.now();
        // Deadlines that are over may have a place behind them that is still ahead.
        let from = match offset {
            Offset::After(by) => now.checked_sub(by).unwrap_or(UNIX_EPOCH),
            Offset::Before(_) | Offset::At => now,
        };
        let deadlines = self.deadlines_from(from, wanted, MOST);
        let (place, deadline) = deadlines.into_iter().find_map(|deadline| {
            let place = offset.from(deadline.at)?;
            (place > now && place <= crate::clock::latest()).then_some((place, deadline))
        })?;
        self.clock.set(place);
        Some(deadline)
    }

    /// What ends from a moment on.
    fn deadlines_from(&self, from: SystemTime, wanted: Wanted<'_>, limit: usize) -> Vec<Deadline> {
        let is_wanted = |kind| wanted.kind.is_none_or(|wanted| wanted == kind);
        let mut found = Vec::new();
        if is_wanted(DeadlineKind::TempUrl) || is_wanted(DeadlineKind::Form) {
            found.extend(self.seen_urls.ending_from(from).into_iter().map(of_url));
        }
        for core in self.siblings.all() {
            let first = found.len();
            if is_wanted(DeadlineKind::Object) {
                found.extend(core.objects_due(from, wanted.account, limit));
            }
            if is_wanted(DeadlineKind::CdnCopy) {
                found.extend(core.cdn.expiries().into_iter().map(of_copy));
            }
            for deadline in &mut found[first..] {
                deadline.region = Some(core.regions.name().to_owned());
            }
        }
        if is_wanted(DeadlineKind::Token) {
            let tokens = self.identity.token_expiries(from).into_iter();
            found.extend(tokens.map(|token| Deadline {
                user: Some(token.user.to_string()),
                inclusive: true,
                account: token.account.map(|account| account.to_string()),
                ..deadline(DeadlineKind::Token, token.at)
            }));
        }
        found.retain(|deadline| {
            let ahead = deadline.at > from || deadline.inclusive && deadline.at == from;
            ahead
                && is_wanted(deadline.kind)
                && wanted
                    .account
                    .is_none_or(|account| deadline.account.as_deref() == Some(account))
        });
        found.sort_by(|one, other| one.at.cmp(&other.at).then(one.kind.cmp(&other.kind)));
        found.truncate(limit);
        found
    }

    fn objects_due(&self, from: SystemTime, account: Option<&str>, limit: usize) -> Vec<Deadline> {
        let from = Timestamp::from(from);
        let mut found: Vec<Deadline> = Vec::new();
        self.store.each_container(|of, container_name, container| {
            if account.is_some_and(|account| account != of) {
                return;
            }
            for (at, name) in container.due(from, limit) {
                let at = UNIX_EPOCH + Duration::from_secs(at);
                found.push(Deadline {
                    account: Some(of.to_owned()),
                    container: Some(container_name.to_owned()),
                    object: Some(name.into()),
                    ..deadline(DeadlineKind::Object, at)
                });
            }
            if found.len() > 2 * limit {
                found.sort_by_key(|deadline| deadline.at);
                found.truncate(limit);
            }
        });
        found
    }
}

fn deadline(kind: DeadlineKind, at: SystemTime) -> Deadline {
    Deadline {
        at,
        kind,
        inclusive: false,
        account: None,
        region: None,
        container: None,
        object: None,
        method: None,
        user: None,
    }
}

fn of_url(seen: seen::Seen) -> Deadline {
    let kind = if seen.is_form {
        DeadlineKind::Form
    } else {
        DeadlineKind::TempUrl
    };
    Deadline {
        inclusive: true,
        account: Some(seen.account.into()),
        container: Some(seen.container.into()),
        object: Some(seen.object.into()),
        method: Some(seen.method.into()),
        ..deadline(kind, seen.expires)
    }
}

fn of_copy(copy: CopyExpiry) -> Deadline {
    Deadline {
        account: Some(copy.account),
        container: Some(copy.container),
        object: Some(copy.object),
        ..deadline(DeadlineKind::CdnCopy, copy.at)
    }
}
