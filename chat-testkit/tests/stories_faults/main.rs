//! Stories of everything that goes wrong, by theme. The tests named `sdk_defect_NN_…` are what the existing client was
//! seen to do wrong; `chat-testkit/FAULTS.md` lists them all.

mod answers;
mod connection;
mod events;
mod limits;
mod page;
mod people;
mod push;
mod retries;
mod small;
mod start;
mod token;
