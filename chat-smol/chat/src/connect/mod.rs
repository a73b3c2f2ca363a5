//! `chat connect`.
use crate::args::Connect;
use crate::exit::Failure;
pub(crate) fn run(_: Connect) -> Result<(), Failure> {
    Ok(())
}
