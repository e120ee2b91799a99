//! What all steps share: the cloud they play on, the ledger, and the time.

use std::time::Duration;

use anyhow::bail;
use cdn_client::CdnClient;
use jiff::{SignedDuration, Timestamp};
use ledger::{Entry, Resource};
use swift_client::Client;
use tokio_util::sync::CancellationToken;

use super::content::Content;
use super::guest::{Guest, Reply};
use super::report::Report;
use crate::offline::Offline;
use crate::output::{self, Output};
use crate::record::Recorder;
use crate::removal::{self, Only, Outcome, Site};

/// Clouds may take so long to notice a changed key (Rackspace: "up to 60 seconds").
const PATIENCE: Duration = Duration::from_secs(65);

pub(super) struct Stage<'a> {
    pub(super) client: Client,
    pub(super) cdn: CdnClient,
    pub(super) guest: Guest,
    pub(super) content: Content,
    pub(super) recorder: Recorder,
    pub(super) output: &'a Output,
    /// How long temp URLs work.
    pub(super) expires: u32,
    /// Whether `--wait` was given.
    pub(super) wait: bool,
    pub(super) keep: bool,
    /// The emulator, if this is it.
    pub(super) offline: Option<Offline>,
    /// The server's clock minus ours.
    pub(super) ahead: SignedDuration,
    pub(super) interrupt: CancellationToken,
}

impl Stage<'_> {
    /// Plays one step, unless the user wants no more.
    pub(super) async fn step<T>(
        &self,
        number: u32,
        title: &'static str,
        play: impl AsyncFnOnce(&mut Report<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if self.interrupt.is_cancelled() {
            bail!("interrupted before step {number}");
        }
        let mut report = Report::start(self.output, number, title);
        let result = play(&mut report).await;
        report.finish(result)
    }

    /// Removes all that this run has made.
    pub(super) async fn clean_up(
        &self,
        mut tell: impl FnMut(&Entry<Resource>, &Outcome),
    ) -> anyhow::Result<()> {
        let leftovers = self.recorder.leftovers()?;
        let leftovers = leftovers.into_iter().map(|entry| (entry, Only::Ours));
        removal::remove(
            &Site::Storage(self.client.clone()),
            self.recorder.ledger(),
            leftovers.collect(),
            Duration::ZERO,
            &mut tell,
        )
        .await
    }

    /// Whether time passes only by waiting.
    pub(super) fn waits(&self) -> bool {
        self.wait || self.offline.is_none()
    }

    /// The time by the server's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.client.session().clock().now() + self.ahead
    }

    /// The expiry of a temp URL made now, in seconds since 1970.
    pub(super) fn expiry(&self) -> u64 {
        let now = self.now();
        // A second that has begun does not count.
        let seconds = now.as_second() + i64::from(now.subsec_nanosecond() > 0);
        u64::try_from(seconds).unwrap_or_default() + u64::from(self.expires)
    }

    /// Lets time pass until the server's clock shows `moment`.
    pub(super) async fn reach(&self, moment: Timestamp, why: &str) -> anyhow::Result<()> {
        if let Some(offline) = self.offline.as_ref().filter(|_| !self.waits()) {
            return offline.freeze_at(moment);
        }
        let mut first = true;
        loop {
            let left = Duration::try_from(moment.duration_since(self.now())).unwrap_or_default();
            if left.is_zero() {
                break;
            }
            output::countdown(left, first, why);
            first = false;
            self.pause(left.min(Duration::from_secs(1))).await?;
        }
        output::end_countdown();
        Ok(())
    }

    /// Repeats a plain request until its answer is as wanted, as long as a cloud may take to notice a change. The
    /// emulator notices at once.
    pub(super) async fn patiently(
        &self,
        request: impl AsyncFn() -> anyhow::Result<Reply>,
        wanted: impl Fn(&Reply) -> bool,
    ) -> anyhow::Result<Reply> {
        let mut waited = Duration::ZERO;
        let second = Duration::from_secs(1);
        loop {
            let reply = request().await?;
            if wanted(&reply) || self.offline.is_some() || waited >= PATIENCE {
                return Ok(reply);
            }
            self.pause(second).await?;
            waited += second;
        }
    }

    async fn pause(&self, time: Duration) -> anyhow::Result<()> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.interrupt.cancelled() => {
                output::end_countdown();
                bail!("interrupted")
            }
        }
    }
}
