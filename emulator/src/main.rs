//! The command `cloudfiles-emulator`.

fn main() {}
