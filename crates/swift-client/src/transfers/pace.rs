//! Lets requests through as the [`Window`] allows, and tells it how they went.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::window::Window;

/// Shared by all transfers of one handle. The transport reports every attempt to it, repeated ones included.
#[derive(Debug)]
pub(crate) struct Pace {
    state: Mutex<State>,
    permits: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    window: Window,
    /// Permits there are, given out or not.
    issued: usize,
    /// Permits to be taken back when they return.
    owed: usize,
    running: usize,
}

/// The right to have one request on its way. Dropping it lets the next one go.
#[derive(Debug)]
pub(crate) struct Permit {
    pace: Arc<Pace>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pace {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        let window = Window::new(max);
        let issued = window.limit();
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(issued)),
            state: Mutex::new(State {
                window,
                issued,
                owed: 0,
                running: 0,
            }),
        })
    }

    /// Waits for a turn. Turns are given in the order in which they were asked for.
    pub(crate) async fn turn(self: &Arc<Self>) -> Permit {
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        self.state().running += 1;
        Permit {
            pace: self.clone(),
            permit: Some(permit),
        }
    }

    /// How one attempt at a request ended; `latency` if it is one whose latency means something.
    pub(crate) fn report(&self, status: StatusCode, latency: Option<Duration>) {
        let mut state = self.state();
        let running = state.running;
        if matches!(status.as_u16(), 429 | 498 | 503) {
            state.window.refused(running);
        } else {
            state.window.answered(running, latency);
        }
        let wanted = state.window.limit();
        let held = state.issued - state.owed;
        if wanted > held {
            let forgiven = (wanted - held).min(state.owed);
            state.owed -= forgiven;
            let added = wanted - held - forgiven;
            state.issued += added;
            self.permits.add_permits(added);
        } else {
            // Those that are free go at once, the others when they come back.
            let free = self.permits.forget_permits(held - wanted);
            state.issued -= free;
            state.owed += held - wanted - free;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.running -= 1;
        if state.owed > 0
            && let Some(permit) = self.permit.take()
        {
            state.owed -= 1;
            state.issued -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lets_fewer_through_after_a_refusal_and_more_again_later() {
        let pace = Pace::new(4);
        let mut turns = Vec::new();
        for _ in 0..4 {
            turns.push(pace.turn().await);
        }
        pace.report(StatusCode::SERVICE_UNAVAILABLE, None);
        turns.truncate(2);
        // Two of the four were taken back.
        assert_eq!(pace.permits.available_permits(), 0);
        turns.clear();
        assert_eq!(pace.permits.available_permits(), 2);
        for _ in 0..200 {
            let _turns = [pace.turn().await, pace.turn().await];
            pace.report(StatusCode::OK, None);
        }
        assert!(pace.permits.available_permits() > 2);
    }
}
