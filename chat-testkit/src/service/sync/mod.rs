//! Sync: documents, lists and maps, their REST interface and their events (spec 02).

pub(crate) mod entity;
mod query;
pub(crate) mod rest;
pub(crate) mod store;
pub(crate) mod subscriptions;

pub(crate) use entity::{ACCOUNT_SID, Access, ItemKey, Kind, SERVICE_SID, Writers};
pub(crate) use store::{Change, NewEntity, Store};
