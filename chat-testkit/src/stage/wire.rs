//! What is on its way, in the order in which it arrives.

use std::collections::BTreeMap;
use std::fmt;

use chat_proto::{HttpId, HttpRequest, LinkId, Saved, Time};

use super::{Life, Who};
use crate::service::{ConnId, ExchangeId};

/// One thing on its way.
pub(super) enum Parcel {
    Open(Who, Life, LinkId),
    ToService(ConnId, Vec<u8>),
    /// A binary message, or a text.
    ToClient(ConnId, Result<Vec<u8>, String>),
    ClosedByService(ConnId),
    HttpToService(Who, Life, HttpId, Box<HttpRequest>),
    /// An answer, or `None` where the connection was cut.
    HttpToClient(ExchangeId, Option<(u16, Vec<u8>)>),
    /// With the connection, if there was one and the service hears of it.
    ClosedByClient(Who, Life, LinkId, Option<ConnId>),
    /// A save is on its way to the disk.
    Save(Who, Life, Box<Saved>),
}

/// All that is on its way.
#[derive(Default)]
pub(super) struct Wire {
    parcels: BTreeMap<(Time, u64), Parcel>,
    sent: u64,
}

/// The number alone: what travels holds tokens.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.parcels.len())
    }
}

impl Wire {
    pub(super) fn send(&mut self, at: Time, parcel: Parcel) {
        self.sent += 1;
        self.parcels.insert((at, self.sent), parcel);
    }

    /// When the next thing arrives.
    pub(super) fn due(&self) -> Option<Time> {
        self.parcels.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn take(&mut self) -> Option<Parcel> {
        self.parcels.pop_first().map(|(_, parcel)| parcel)
    }

    /// A connection was cut: what is on its way there is lost.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.parcels.retain(|_, parcel| match parcel {
            Parcel::ToService(of, _) | Parcel::ToClient(of, _) | Parcel::ClosedByService(of) => *of != conn,
            Parcel::Open(..)
            | Parcel::ClosedByClient(..)
            | Parcel::Save(..)
            | Parcel::HttpToService(..)
            | Parcel::HttpToClient(..) => true,
        });
    }
}
