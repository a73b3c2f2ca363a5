//! Tests of the stage alone: orders in, requests out, answers and notifications in, outputs out. No socket, no sleep.

mod applying;
mod model;
mod rig;
mod room;
mod rows;
mod start;
mod subscribing;
