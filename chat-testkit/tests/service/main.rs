//! The offline service, driven frame by frame on a virtual clock.

mod admin;
mod chat;
mod faults;
mod paging;
mod subscriptions;
mod support;
mod sync;
mod twilsock;
