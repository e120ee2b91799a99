//! What containers held a while ago: kept while a fault makes listings stale, and not otherwise.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::store::Object;
use crate::timestamp::Timestamp;

/// How many objects are kept that are no more, over all containers. The oldest ones go first.
const MAX_FORMER: usize = 10_000;

/// Objects that were removed or replaced, in the order in which that happened.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<Former>);

#[derive(Debug)]
struct Former {
    /// Index of the region.
    region: usize,
    /// Account, container and object.
    names: [Box<str>; 3],
    object: Arc<Object>,
    /// When it was removed or replaced.
    until: Timestamp,
}

impl History {
    /// Keeps an object that has just been removed or replaced.
    pub(crate) fn remember(
        &mut self,
        region: usize,
        names: [&str; 3],
        object: Arc<Object>,
        until: Timestamp,
    ) {
        if self.0.len() == MAX_FORMER {
            self.0.pop_front();
        }
        self.0.push_back(Former {
            region,
            names: names.map(Into::into),
            object,
            until,
        });
    }

    /// The objects that a container had at `moment` and has no more, by name.
    pub(crate) fn at<'a>(
        &'a self,
        region: usize,
        account: &'a str,
        container: &'a str,
        moment: Timestamp,
    ) -> impl Iterator<Item = (&'a str, &'a Arc<Object>)> {
        self.0
            .iter()
            .filter(move |former| {
                let [of, within, _] = &former.names;
                former.region == region
                    && **of == *account
                    && **within == *container
                    && former.object.modified <= moment
                    && moment < former.until
            })
            .map(|former| (&*former.names[2], &former.object))
    }

    /// Forgets what an account had, in all regions.
    pub(crate) fn forget(&mut self, account: &str) {
        self.0.retain(|former| *former.names[0] != *account);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
