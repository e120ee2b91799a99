//! `cloudfiles sync`: makes one place like another.
//!
//! Both sides come in the order of their names, so that neither has to be held in memory: what only the source has is
//! transferred, what only the target has is deleted if that is wanted, and what both have is compared. A dry run goes
//! the same way up to the point of doing it.

mod engine;
mod items;
mod target;

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::Failures;
use crate::args::WrongUse;
use crate::context::Context;
use crate::exit::Exit;
use crate::pattern::FilterArgs;
use crate::place::{self, CloudPlace, Place};
use crate::transfer::TransferArgs;
use engine::Engine;
use target::Target;

/// Makes one place like another: a folder here and one in a cloud, or two in clouds
///
/// TARGET becomes like SOURCE: one is a folder here, or both are places in clouds. A path here begins with /, ./ or ../,
/// and a place in a cloud with swift://; a name with neither is what the other side is not. What differs in
/// size, or is newer at the source, is transferred; --checksum compares MD5s instead.
///
/// A file that is downloaded gets the time at which its object was stored, by which the next run knows it. Names that
/// the filters leave out are neither transferred nor deleted.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"upload\" | \"download\" | \"copy\" | \"delete\", \"name\", \"path\"}, with
\"dry_run\": true where nothing was done, or {\"action\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// What it is to be like
    #[arg(value_name = "SOURCE", value_parser = place::parser())]
    source: Place,
    /// What is changed
    #[arg(value_name = "TARGET", value_parser = place::parser())]
    target: Place,
    /// Delete from the target what the source does not have
    #[arg(long)]
    delete: bool,
    /// Compare MD5s, not times
    #[arg(long)]
    checksum: bool,
    /// Compare sizes alone
    #[arg(long, conflicts_with = "checksum")]
    size_only: bool,
    #[command(flatten)]
    filter: FilterArgs,
    /// Tell what would be done, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    #[command(flatten)]
    transfer: TransferArgs,
}

enum Side {
    Here(PathBuf),
    Cloud(CloudPlace),
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let (source, target) = sides(args.source.clone(), args.target.clone())?;
    if let Side::Here(path) = &source
        && !path.is_dir()
    {
        return Err(anyhow!("{} is no folder", path.display()));
    }
    let filter = args.filter.filter()?;
    context.resume_by("run the same command again: it does what is left");
    let bar = context.output.bar();
    let target = Target::open(&args, &source, target, context, &bar).await?;
    let mut failures = Failures::new(context);
    Engine::new(&args, &source, &target, context, &bar)?
        .run(&filter, &mut failures)
        .await?;
    Ok(failures.exit())
}

/// Which side is here and which is in a cloud.
fn sides(source: Place, target: Place) -> anyhow::Result<(Side, Side)> {
    let here = |place: &Place| matches!(place, Place::Bare(name) if Path::new(name).is_dir());
    let cloud = |place: Place| place.in_cloud().map(Side::Cloud);
    let local = |place: Place| place.here().map(Side::Here);
    let sides = match (&source, &target) {
        (Place::Local(_), Place::Local(_)) => {
            return Err(WrongUse::new("both are here: rsync does that").into());
        }
        (Place::Local(_), _) => (local(source)?, cloud(target)?),
        (Place::Cloud(_), Place::Cloud(_)) => (cloud(source)?, cloud(target)?),
        (_, Place::Local(_)) | (Place::Cloud(_), _) => (cloud(source)?, local(target)?),
        (_, Place::Cloud(_)) => (local(source)?, cloud(target)?),
        _ => match (here(&source), here(&target)) {
            (true, false) => (local(source)?, cloud(target)?),
            (false, true) => (cloud(source)?, local(target)?),
            _ => {
                let reason =
                    "it is not clear which of these is here: write ./FOLDER or swift://CONTAINER";
                return Err(WrongUse::new(reason).into());
            }
        },
    };
    for side in [&sides.0, &sides.1] {
        if let Side::Cloud(place) = side {
            place.in_container()?;
        }
    }
    Ok(sides)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str, target: &str) -> Option<(bool, bool)> {
        let read = |text: &str| Place::parse(text.as_ref()).unwrap();
        let (source, target) = sides(read(source), read(target)).ok()?;
        let here = |side: &Side| matches!(side, Side::Here(_));
        Some((here(&source), here(&target)))
    }

    #[test]
    fn tells_which_side_is_here() {
        assert_eq!(kinds("./a", "c/p"), Some((true, false)));
        assert_eq!(kinds("c/p", "/tmp/a"), Some((false, true)));
        assert_eq!(kinds("swift://c/p", "a"), Some((false, true)));
        assert_eq!(kinds("a", "swift://c/p"), Some((true, false)));
        assert_eq!(kinds("swift://c", "swift://x@c"), Some((false, false)));
        assert_eq!(kinds("./a", "./b"), None);
        assert_eq!(kinds("neither-is", "a-folder"), None);
    }
}
