//! The program `chat`.
fn main() {}
