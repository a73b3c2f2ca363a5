//! The seam between what is asked of the service and how it is written (design §6).
//!
//! A [`SessionCommand`](super::commands::SessionCommand) goes in and a [`Response`](super::commands::Response) comes out;
//! the names of actions and parameters are known to a dialect alone. [`list`] is that of `twilio-chat` 3.3–3.4, where
//! both travel in one item of a Sync list.

pub(crate) mod list;
