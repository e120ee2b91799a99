//! `cloudfiles mv`: see `cp`, whose options it has.

use super::cp;
use crate::context::Context;
use crate::exit::Exit;

pub(crate) use cp::Args;

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    cp::copy_all(args, true, context).await
}
