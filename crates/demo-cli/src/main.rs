//! The command `cloudfiles`.

fn main() {}
