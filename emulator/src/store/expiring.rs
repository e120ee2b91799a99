//! What expires when, so that totals agree with listings at every moment without walking objects.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};

/// Objects, and the bytes that totals count of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
    }

    /// What is taken away was added before.
    fn take(&mut self, other: Self) {
        self.objects -= other.objects;
        self.bytes -= other.bytes;
    }
}

/// Sums by the second at which they expire, with a mark that is moved along with the clock: each second's sum is added
/// once when the clock passes it (and taken away again if the clock is set back), so asking costs what has expired
/// since the last time, and nothing where nothing has.
#[derive(Debug, Default)]
pub(super) struct Expiring {
    due: BTreeMap<u64, Sum>,
    /// `expired` holds what is due at this second or before.
    mark: u64,
    expired: Sum,
}

impl Expiring {
    /// Counts something that expires at a moment in Unix seconds.
    pub(super) fn insert(&mut self, at: u64, sum: Sum) {
        self.due.entry(at).or_default().add(sum);
        if at <= self.mark {
            self.expired.add(sum);
        }
    }

    /// Counts it no longer.
    pub(super) fn remove(&mut self, at: u64, sum: Sum) {
        if let Some(due) = self.due.get_mut(&at) {
            due.take(sum);
            if *due == Sum::default() {
                self.due.remove(&at);
            }
        }
        if at <= self.mark {
            self.expired.take(sum);
        }
    }

    /// What is due at a moment in Unix seconds, or was before.
    pub(super) fn expired(&mut self, now: u64) -> Sum {
        if now > self.mark {
            for sum in self.due.range((Excluded(self.mark), Included(now))) {
                self.expired.add(*sum.1);
            }
        } else {
            for sum in self.due.range((Excluded(now), Included(self.mark))) {
                self.expired.take(*sum.1);
            }
        }
        self.mark = now;
        self.expired
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64, u64),
        RemoveFirst,
        Ask(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u64..20, 0_u64..100).prop_map(|(at, bytes)| Step::Insert(at, bytes)),
            Just(Step::RemoveFirst),
            (0_u64..25).prop_map(Step::Ask),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_adding_up_whichever_way_the_clock_goes(
            steps in proptest::collection::vec(step(), 0..60)
        ) {
            let mut expiring = Expiring::default();
            let mut naive: Vec<(u64, Sum)> = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(at, bytes) => {
                        let sum = Sum { objects: 1, bytes };
                        expiring.insert(at, sum);
                        naive.push((at, sum));
                    }
                    Step::RemoveFirst => {
                        if !naive.is_empty() {
                            let (at, sum) = naive.remove(0);
                            expiring.remove(at, sum);
                        }
                    }
                    Step::Ask(now) => {
                        let mut wanted = Sum::default();
                        for (_, sum) in naive.iter().filter(|(at, _)| *at <= now) {
                            wanted.add(*sum);
                        }
                        prop_assert_eq!(expiring.expired(now), wanted);
                    }
                }
            }
        }
    }
}
