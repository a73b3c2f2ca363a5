//! The program as people and scripts meet it: real processes, real exit codes.

mod connect;
mod demo;
mod failures;
mod signals;
mod support;
mod token;
