//! What is on its way, in the order in which it arrives.

use std::collections::BTreeMap;

use chat_proto::{LinkId, Time};

use super::Who;
use crate::service::ConnId;

/// One thing on its way.
#[derive(Debug)]
pub(super) enum Parcel {
    Open(Who, LinkId),
    ToService(ConnId, Vec<u8>),
    /// A binary message, or a text.
    ToClient(ConnId, Result<Vec<u8>, String>),
    ClosedByService(ConnId),
    /// With the connection, if there was one and the service hears of it.
    ClosedByClient(Who, LinkId, Option<ConnId>),
}

/// All that is on its way.
#[derive(Debug, Default)]
pub(super) struct Wire {
    parcels: BTreeMap<(Time, u64), Parcel>,
    sent: u64,
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
            Parcel::Open(..) | Parcel::ClosedByClient(..) => true,
        });
    }
}
