//! Takes in the body of a PUT.
//!
//! Short bodies are hashed where they arrive. Of long ones the next block comes in while another thread hashes the ones
//! before it and, where they are too long for memory, writes them out; only a few blocks wait in between, so that a
//! client sends no faster than they are worked off.

use bytes::Bytes;
use http::StatusCode;
use tokio::task::{JoinHandle, spawn_blocking};

use super::object::{broken_off, client_disconnect};
use crate::core::Core;
use crate::message::{Body, Request};
use crate::reject::Reject;
use crate::store::{Etag, Filler, Full, Keeper, Stored};

/// Bytes that are hashed between two reads of the socket: a tenth of a millisecond's work.
const SHORT: usize = 64 * 1024;

/// How many blocks wait to be hashed before no more are read.
const WAITING: usize = 4;

/// Reads a body to its end; gives the bytes and their MD5.
pub(crate) async fn receive(
    request: &Request,
    mut body: Body,
    core: &Core,
) -> Result<(Stored, Etag), Reject> {
    let (filler, keeper) = core.store.bodies.begin(body.length()).map_err(no_room)?;
    let mut work = Work::new(keeper);
    let limit = core.flavour.limits.max_file_size;
    match read(request, &mut body, limit, filler, &mut work).await {
        Ok(()) => Ok(work.finish().await?.finish()),
        Err(refusal) => {
            // Whoever reads the refusal finds the memory given back.
            work.give_up().await;
            Err(refusal)
        }
    }
}

async fn read(
    request: &Request,
    body: &mut Body,
    limit: u64,
    mut filler: Filler,
    work: &mut Work,
) -> Result<(), Reject> {
    let declared = body.length();
    let mut received: u64 = 0;
    loop {
        let next = tokio::select! {
            biased;
            done = work.progress(), if work.is_busy() => {
                done?;
                continue;
            }
            next = body.next(), if work.has_room() => next,
        };
        let Some(bytes) = next else {
            break;
        };
        let bytes = bytes.map_err(|error| broken_off(request, &error))?;
        received += bytes.len() as u64;
        if received > limit {
            return Err(Reject::plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Your request is too large.",
            ));
        }
        let mut bytes = &bytes[..];
        while !bytes.is_empty() {
            if let Some(block) = filler.fill(&mut bytes).map_err(no_room)? {
                work.add(block)?;
            }
        }
    }
    if declared.is_some_and(|declared| declared != received) {
        return Err(Reject::new(client_disconnect()));
    }
    if let Some(block) = filler.rest() {
        work.add(block)?;
    }
    Ok(())
}

/// The blocks of one body being hashed and kept, here or on another thread.
struct Work {
    /// Here while nobody works.
    keeper: Option<Keeper>,
    waiting: Vec<Bytes>,
    job: Option<JoinHandle<std::io::Result<Keeper>>>,
}

impl Work {
    fn new(keeper: Keeper) -> Self {
        Self {
            keeper: Some(keeper),
            waiting: Vec::new(),
            job: None,
        }
    }

    fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < WAITING
    }

    fn add(&mut self, block: Bytes) -> Result<(), Reject> {
        if let Some(keeper) = &mut self.keeper
            && block.len() <= SHORT
            && !keeper.writes(block.len() as u64)
        {
            return keeper.take(block).map_err(|error| unwritten(&error));
        }
        self.waiting.push(block);
        self.go_on();
        Ok(())
    }

    /// Sends somebody to work, if there is work and nobody is at it.
    fn go_on(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if let Some(mut keeper) = self.keeper.take() {
            let blocks = std::mem::take(&mut self.waiting);
            self.job = Some(spawn_blocking(move || {
                for block in blocks {
                    keeper.take(block)?;
                }
                Ok(keeper)
            }));
        }
    }

    /// Waits until what is being worked on is done. Nothing is lost where the wait is given up.
    async fn progress(&mut self) -> Result<(), Reject> {
        let Some(job) = &mut self.job else {
            return Ok(());
        };
        let done = job.await;
        self.job = None;
        let keeper = done
            .map_err(std::io::Error::other)
            .and_then(|kept| kept)
            .map_err(|error| unwritten(&error))?;
        self.keeper = Some(keeper);
        self.go_on();
        Ok(())
    }

    async fn give_up(mut self) {
        self.waiting.clear();
        if let Some(job) = self.job.take() {
            // What came of it is of no interest any more.
            drop(job.await);
        }
    }

    async fn finish(mut self) -> Result<Keeper, Reject> {
        loop {
            if let Some(keeper) = self.keeper.take() {
                return Ok(keeper);
            }
            if self.job.is_none() {
                // Whoever took the keeper has left a job in its place.
                return Err(Reject::new(StatusCode::INTERNAL_SERVER_ERROR));
            }
            self.progress().await?;
        }
    }
}

/// The answer where neither memory nor disk has room for more.
pub(crate) fn no_room(_: Full) -> Reject {
    tracing::warn!("the memory that stored objects may take is used up: see --max-memory");
    Reject::new(StatusCode::INSUFFICIENT_STORAGE)
}

fn unwritten(error: &std::io::Error) -> Reject {
    tracing::warn!(%error, "cannot write a body to its file: see --spill-dir");
    Reject::new(StatusCode::INSUFFICIENT_STORAGE)
}
