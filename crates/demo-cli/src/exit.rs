//! How the command ends.

use std::process::ExitCode;

use crate::args::WrongUse;

/// How a command ended that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Done,
    /// Some of it was not, and each failure has been named on standard error.
    SomeFailed,
    /// It was asked to end before all was done.
    Interrupted,
}

impl Exit {
    /// [`Exit::Done`], unless there were failures.
    pub(crate) fn after(failures: u64) -> Self {
        if failures == 0 {
            Self::Done
        } else {
            Self::SomeFailed
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::SomeFailed => 1,
            // 128 and the number of SIGINT, as shells have it.
            Exit::Interrupted => 130,
        })
    }
}

/// The exit code for an error: 2 for wrong use, else 1.
pub(crate) fn code_of(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<WrongUse>() { 2 } else { 1 })
}
