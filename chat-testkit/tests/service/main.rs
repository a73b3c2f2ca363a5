//! The offline service, driven frame by frame on a virtual clock.
#![expect(clippy::needless_pass_by_value, reason = "JSON literals are handed over")]
#![expect(clippy::similar_names, reason = "a stage has a state")]

mod admin;
mod chat;
mod faults;
mod paging;
mod subscriptions;
mod support;
mod sync;
mod twilsock;
