//! Every crash: a file system that lives in memory, fails at any step, is killed or loses its power there, and must
//! then show the old or the new entries.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::entry::{EntryId, State, Tracked};
use crate::error::Error;
use crate::ledger::Ledger;
use crate::storage::{Access, Lock, Storage, StoredFile};

// ---------------------------------------------------------------------------------------------------------------
// The file system

/// A disk, a page cache above it, and a program that uses them.
#[derive(Clone, Debug, Default)]
struct Sim(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    files: Vec<Content>,
    /// The names as programs see them, and as they are on disk.
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// What was done to names since the folder was last synced.
    unsynced_names: Vec<(PathBuf, Option<usize>)>,
    /// How many steps go well from here.
    steps_left: Option<usize>,
    trouble: Trouble,
    /// How much of a write is done by the step that fails, in 256ths.
    share: usize,
    dead: bool,
}

#[derive(Debug, Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// What a failed fsync dropped: programs still see it, no later fsync writes it.
    lost: Option<Range<usize>>,
}

/// What happens at the step that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Trouble {
    /// It fails, and the program goes on.
    #[default]
    Error,
    /// The program is killed.
    Kill,
    /// The machine loses its power.
    PowerCut,
}

impl Sim {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets some steps go well, then brings trouble.
    fn expect_trouble(&self, steps: usize, trouble: Trouble, share: usize) {
        let mut world = self.world();
        (world.steps_left, world.trouble, world.share) = (Some(steps), trouble, share);
    }

    /// Starts the machine, or just the program, again. After a power cut the choices say what had reached the disk.
    fn restart(&self, choices: &[u8]) {
        let mut choices = choices.iter().copied().cycle();
        let mut choose =
            move |below: usize| usize::from(choices.next().unwrap_or(0)) % below.max(1);
        let mut world = self.world();
        let power_cut = world.trouble == Trouble::PowerCut && world.dead;
        world.steps_left = None;
        world.dead = false;
        if !power_cut {
            return;
        }
        let mut names = world.durable_names.clone();
        for (path, file) in std::mem::take(&mut world.unsynced_names) {
            if choose(2) == 0 {
                match file {
                    Some(file) => names.insert(path, file),
                    None => names.remove(&path),
                };
            }
        }
        world.names = names.clone();
        world.durable_names = names;
        for file in &mut world.files {
            let kept = file
                .seen
                .iter()
                .zip(&file.durable)
                .take_while(|(seen, durable)| seen == durable)
                .count();
            if kept == file.durable.len() {
                // Some of what was written behind it may be there, as it was or as zeros.
                let behind = file.seen.len() - kept;
                let survived = choose(behind + 1);
                let zeros = [0, choose(behind - survived + 1)][choose(2)];
                file.seen.truncate(kept + survived);
                if let Some(lost) = file.lost.clone() {
                    let end = lost.end.min(file.seen.len());
                    if let Some(range) = file.seen.get_mut(lost.start..end) {
                        range.fill(0);
                    }
                }
                file.seen.resize(kept + survived + zeros, 0);
            } else if choose(2) == 0 {
                file.seen.clone_from(&file.durable);
            }
            file.durable.clone_from(&file.seen);
            file.lost = None;
        }
    }

    /// The names of the files there are.
    fn names(&self) -> Vec<String> {
        self.world()
            .names
            .keys()
            .map(|path| path.display().to_string())
            .collect()
    }
}

impl World {
    /// One step. The answer is how much of it to do before failing, or `None` to do it and succeed.
    fn step(&mut self) -> io::Result<Option<usize>> {
        if self.dead {
            return Err(io::Error::other("the program is dead"));
        }
        match &mut self.steps_left {
            Some(0) => {
                self.steps_left = None;
                self.dead = self.trouble != Trouble::Error;
                Ok(Some(self.share))
            }
            Some(left) => {
                *left -= 1;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn rename(&mut self, path: &Path, file: Option<usize>) {
        match file {
            Some(file) => self.names.insert(path.to_owned(), file),
            None => self.names.remove(path),
        };
        self.unsynced_names.push((path.to_owned(), file));
    }
}

fn trouble<T>() -> io::Result<T> {
    Err(io::Error::other("trouble"))
}

impl Storage for Sim {
    fn open(&self, path: &Path, _: Access) -> io::Result<Option<Box<dyn StoredFile>>> {
        let world = self.world();
        if world.dead {
            return trouble();
        }
        let file = world.names.get(path).copied();
        Ok(file.map(|file| {
            Box::new(SimFile {
                sim: self.clone(),
                file,
            }) as Box<dyn StoredFile>
        }))
    }

    fn create(&self, path: &Path, _: &Path) -> io::Result<Box<dyn StoredFile>> {
        let mut world = self.world();
        let failing = world.step()?;
        if failing.is_some_and(|share| share < 128) {
            return trouble();
        }
        let file = if let Some(&file) = world.names.get(path) {
            world.files[file].seen.clear();
            file
        } else {
            world.files.push(Content::default());
            let file = world.files.len() - 1;
            world.rename(path, Some(file));
            file
        };
        if failing.is_some() {
            trouble()
        } else {
            Ok(Box::new(SimFile {
                sim: self.clone(),
                file,
            }))
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        let failing = world.step()?;
        if failing.is_none_or(|share| share >= 128) {
            let file = world.names.get(from).copied();
            world.rename(to, file);
            world.rename(from, None);
        }
        if failing.is_some() { trouble() } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let failing = world.step()?;
        if failing.is_none_or(|share| share >= 128) {
            world.rename(path, None);
        }
        if failing.is_some() { trouble() } else { Ok(()) }
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut world = self.world();
        if world.step()?.is_some() {
            return trouble();
        }
        world.durable_names = world.names.clone();
        world.unsynced_names.clear();
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn Lock>> {
        if self.world().dead {
            trouble()
        } else {
            Ok(Box::new(SimLock))
        }
    }
}

#[derive(Debug)]
struct SimFile {
    sim: Sim,
    file: usize,
}

impl StoredFile for SimFile {
    fn read_from(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        let world = self.sim.world();
        let seen = &world.files[self.file].seen;
        Ok(seen
            .get(usize::try_from(offset).unwrap_or(usize::MAX)..)
            .unwrap_or_default()
            .to_vec())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.sim.world();
        let failing = world.step()?;
        let length = failing.map_or(bytes.len(), |share| bytes.len() * share / 256);
        world.files[self.file]
            .seen
            .extend_from_slice(&bytes[..length]);
        if failing.is_some() { trouble() } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.sim.world();
        let failing = world.step()?;
        let dead = world.dead;
        let file = &mut world.files[self.file];
        if failing.is_some() {
            if !dead && file.seen.len() > file.durable.len() {
                file.lost = Some(file.durable.len()..file.seen.len());
            }
            return trouble();
        }
        file.durable.clone_from(&file.seen);
        if let Some(lost) = file.lost.clone()
            && let Some(range) = file.durable.get_mut(lost)
        {
            range.fill(0);
        }
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut world = self.sim.world();
        if world.step()?.is_some() {
            return trouble();
        }
        let file = &mut world.files[self.file];
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        file.seen.truncate(length);
        file.lost = file.lost.take().filter(|lost| lost.start < length);
        Ok(())
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        Ok(self.sim.world().names.get(path) == Some(&self.file))
    }
}

#[derive(Debug)]
struct SimLock;

impl Lock for SimLock {
    fn remove(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

// ---------------------------------------------------------------------------------------------------------------
// The entries, as they ought to be

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Thing(String);

impl Tracked for Thing {
    type Identity = u32;
}

type Expected = BTreeMap<u64, (State, Thing, Option<u32>)>;

/// A step of a program that uses a ledger. Numbers pick one of the entries there are.
#[derive(Clone, Debug)]
enum Step {
    Plan(usize),
    Confirm(usize),
    Deleting(usize),
    Forget(usize),
    Reopen,
}

/// What a step leads to, told without the ledger.
#[derive(Clone, Debug, Default)]
struct Model {
    entries: Expected,
    given: u64,
}

impl Model {
    fn pick(&self, number: usize, state: impl Fn(State) -> bool) -> Option<u64> {
        let ids: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| state(entry.0))
            .map(|(id, _)| *id)
            .collect();
        (!ids.is_empty()).then(|| ids[number % ids.len()])
    }

    /// Does the step on a ledger; the answers are the entries if it happened, and whether the ledger says so.
    fn step(&self, step: &Step, ledger: &Ledger<Thing>) -> (Self, Result<(), Error>) {
        let mut after = self.clone();
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let result = match step {
            Step::Plan(count) => {
                let things: Vec<_> = (0..*count)
                    .map(|n| Thing(format!("thing \"{}\"\n", after.given + n as u64)))
                    .collect();
                for thing in &things {
                    after.given += 1;
                    after
                        .entries
                        .insert(after.given, (State::Planned, thing.clone(), None));
                }
                ledger.plan_many("run", things, now).map(|ids| {
                    let expected = (after.given - *count as u64 + 1)..=after.given;
                    assert_eq!(ids, expected.map(EntryId).collect::<Vec<_>>());
                })
            }
            Step::Confirm(number) => match self.pick(*number, |state| state == State::Planned) {
                None => Ok(()),
                Some(id) => {
                    let entry = after.entries.get_mut(&id).expect("picked");
                    (entry.0, entry.2) = (State::Confirmed, Some(7));
                    ledger.confirm(EntryId(id), 7)
                }
            },
            Step::Deleting(number) => match self.pick(*number, |_| true) {
                None => Ok(()),
                Some(id) => {
                    after.entries.get_mut(&id).expect("picked").0 = State::Deleting;
                    ledger.deleting(EntryId(id))
                }
            },
            Step::Forget(number) => match self.pick(*number, |_| true) {
                None => Ok(()),
                Some(id) => {
                    after.entries.remove(&id);
                    ledger.forget(EntryId(id))
                }
            },
            Step::Reopen => ledger.clone().close(),
        };
        (after, result)
    }
}

fn open(sim: &Sim) -> Result<Ledger<Thing>, Error> {
    Ledger::open_in(Box::new(sim.clone()), Path::new("/l.json"), true)
}

fn shown(ledger: &Ledger<Thing>) -> Result<Expected, Error> {
    let entries = ledger.entries()?;
    Ok(entries
        .into_iter()
        .map(|entry| (entry.id.0, (entry.state, entry.resource, entry.identity)))
        .collect())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..4_usize).prop_map(Step::Plan),
        3 => any::<usize>().prop_map(Step::Confirm),
        2 => any::<usize>().prop_map(Step::Deleting),
        2 => any::<usize>().prop_map(Step::Forget),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..14)
}

fn troubles() -> impl Strategy<Value = (usize, Trouble, usize, Vec<u8>)> {
    let trouble = prop_oneof![
        Just(Trouble::Error),
        Just(Trouble::Kill),
        Just(Trouble::PowerCut)
    ];
    (
        0..24_usize,
        trouble,
        0..256_usize,
        prop::collection::vec(any::<u8>(), 8),
    )
}

/// Runs a program until trouble stops it or it ends, restarts, and checks what is left.
fn survive(
    sim: &Sim,
    model: &mut Model,
    steps: &[Step],
    (after, trouble, share, choices): &(usize, Trouble, usize, Vec<u8>),
) {
    sim.expect_trouble(*after, *trouble, *share);
    let mut possible = model.clone();
    let mut ledger = open(sim);
    for step in steps {
        let Ok(open_ledger) = &ledger else { break };
        let (next, result) = model.step(step, open_ledger);
        possible = next;
        match result {
            Ok(()) => *model = possible.clone(),
            Err(Error::Io { .. } | Error::Poisoned { .. }) => {
                // A handle that failed says nothing rather than something wrong.
                if let Ok(entries) = shown(open_ledger) {
                    assert_eq!(entries, model.entries);
                    possible = model.clone();
                }
                break;
            }
            Err(error) => panic!("{step:?}: {error}"),
        }
        if matches!(step, Step::Reopen) {
            ledger = open(sim);
        }
    }
    drop(ledger);
    sim.restart(choices);
    let ledger = open(sim).unwrap_or_else(|error| panic!("cannot be opened any more: {error}"));
    let entries = shown(&ledger).expect("nothing is wrong any more");
    let old = entries == model.entries;
    assert!(
        old || entries == possible.entries,
        "{entries:?} is neither {model:?} nor {possible:?}"
    );
    if !old {
        *model = possible;
    }
    // A number whose plan was never durable was never given.
    let given = ledger.next_id().expect("nothing is wrong any more") - 1;
    assert!(
        given >= model.given,
        "number {} would be given twice",
        model.given
    );
    model.given = given;
    ledger.close().expect("nothing is wrong any more");
    assert_eq!(sim.names(), ["/l.json"], "only the document remains");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shows_the_old_or_the_new_entries_after_any_trouble(
        rounds in prop::collection::vec((steps(), troubles()), 1..4)
    ) {
        let sim = Sim::default();
        let mut model = Model::default();
        for (steps, trouble) in &rounds {
            survive(&sim, &mut model, steps, trouble);
        }
    }
}

#[test]
fn survives_trouble_at_each_step_of_one_long_story() {
    let story = [
        Step::Plan(2),
        Step::Confirm(0),
        Step::Plan(3),
        Step::Deleting(0),
        Step::Reopen,
        Step::Forget(0),
        Step::Plan(1),
        Step::Confirm(1),
        Step::Plan(3),
        Step::Forget(2),
        Step::Reopen,
    ];
    for trouble in [Trouble::Error, Trouble::Kill, Trouble::PowerCut] {
        for after in 0..80 {
            for share in [0, 100, 255] {
                for choices in [vec![0], vec![1], vec![0, 1], vec![255, 0, 3], vec![3, 1, 0]] {
                    let sim = Sim::default();
                    survive(
                        &sim,
                        &mut Model::default(),
                        &story,
                        &(after, trouble, share, choices),
                    );
                }
            }
        }
    }
}

#[test]
fn refuses_everything_after_a_failed_fsync() {
    let sim = Sim::default();
    let ledger = open(&sim).expect("opens");
    let now = "2026-01-01T00:00:00Z".parse().expect("a time");
    let first = ledger
        .plan("run", Thing("first".into()), now)
        .expect("planned");
    sim.expect_trouble(1, Trouble::Error, 0); // the write goes well, the fsync does not
    let failed = ledger
        .plan("run", Thing("second".into()), now)
        .expect_err("the fsync failed");
    assert!(
        matches!(
            failed,
            Error::Io {
                action: "fsync",
                ..
            }
        ),
        "{failed}"
    );
    for refused in [
        ledger.forget(first).err(),
        ledger.entries().err(),
        ledger.plan("run", Thing("third".into()), now).err(),
    ] {
        assert!(
            matches!(refused, Some(Error::Poisoned { ref cause, .. }) if cause.contains("fsync")),
            "{refused:?}"
        );
    }
    drop(ledger);
    let ledger = open(&sim).expect("a new handle starts from what is on disk");
    assert_eq!(shown(&ledger).expect("reads").len(), 1);
}
