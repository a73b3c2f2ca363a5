use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chat_proto::{Frame, LinkId};

use super::Kind;
use super::links::{Links, MOST_PRINTS};

/// A message, without what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print(u64);

impl Print {
    pub(super) fn of(frame: &Frame<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        match frame {
            Frame::Binary(bytes) => (0_u8, bytes).hash(&mut hasher),
            Frame::Text(text) => (1_u8, text).hash(&mut hasher),
        }
        Self(hasher.finish())
    }
}

/// What a peer saw of one connection: kept by the test's own service, for [`HostCheck::compare`](super::HostCheck::compare).
#[derive(Debug, Clone, Default)]
pub struct Wire {
    received: Vec<Print>,
    sent: Vec<Print>,
    /// The host closed it in the orderly way; how much had been sent by then.
    closed: Option<usize>,
}

impl Wire {
    /// A connection that has just begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// A message of the host's arrived.
    pub fn received(&mut self, frame: Frame<'_>) {
        self.received.push(Print::of(&frame));
    }

    /// A message goes to the host: tell it before it leaves.
    pub fn sent(&mut self, frame: Frame<'_>) {
        self.sent.push(Print::of(&frame));
    }

    /// The host closed the connection in the orderly way.
    pub fn closed(&mut self) {
        self.closed.get_or_insert(self.sent.len());
    }
}

/// What a host was to write, and what of it a peer saw.
struct Asked<'a> {
    prints: &'a [Print],
    seen: Vec<bool>,
    /// A connection goes with it.
    bound: bool,
}

/// What a host did on its connections that it should not have done.
pub(super) fn compare<W: Borrow<Wire>>(links: &Links, wires: impl IntoIterator<Item = W>) -> Vec<Kind> {
    let mut asked: BTreeMap<LinkId, Asked<'_>> = links
        .iter()
        .map(|(link, life)| {
            let seen = vec![false; life.asked.len()];
            (link, Asked { prints: &life.asked, seen, bound: false })
        })
        .collect();
    let mut kinds = Vec::new();
    let wires: Vec<W> = wires.into_iter().collect();
    let mut bound: Vec<(&Wire, Option<LinkId>)> = wires
        .iter()
        .map(|wire| {
            let wire = wire.borrow();
            (wire, written(wire, &mut asked, &mut kinds))
        })
        .collect();
    silent(&mut bound, links);
    let mut unread = Vec::new();
    let mute = bound.iter().all(|(wire, _)| wire.received.is_empty());
    for (wire, link) in bound {
        let Some(link) = link else { continue };
        read(wire, link, links, &mut kinds);
        lost((wire, mute), link, links, &asked, &mut kinds);
        unread.extend(never_read(wire, link, links));
    }
    // One answer may cross the `Close` that gave it up; but whoever never told of a single message reads nothing.
    if unread.len() > 1 && links.iter().all(|(_, life)| life.told.is_empty()) {
        kinds.extend(unread);
    }
    kinds
}

/// A connection on which nothing arrived, or nothing that was asked for, goes with the oldest socket that was opened and
/// has none, between those of the connections before and after it. If connections are missing, nobody can tell.
fn silent(bound: &mut [(&Wire, Option<LinkId>)], links: &Links) {
    let mut free: Vec<LinkId> =
        links.iter().filter(|(_, life)| life.opened()).map(|(link, _)| link).collect();
    if bound.len() < free.len() {
        return;
    }
    free.retain(|link| bound.iter().all(|(_, of)| *of != Some(*link)));
    let mut free = free.into_iter().peekable();
    let mut before = None;
    for at in 0..bound.len() {
        if let Some((_, Some(link))) = bound.get(at) {
            before = before.max(Some(*link));
            continue;
        }
        while free.next_if(|link| before > Some(*link)).is_some() {}
        let after = bound.iter().skip(at).find_map(|(_, link)| *link);
        let link = free.next_if(|link| after.is_none_or(|after| *link < after));
        if let Some((_, of)) = bound.get_mut(at) {
            *of = link;
        }
    }
}

/// Follows what the host wrote. The connection goes with the link of its first message that goes with no other.
fn written(wire: &Wire, asked: &mut BTreeMap<LinkId, Asked<'_>>, kinds: &mut Vec<Kind>) -> Option<LinkId> {
    let mut bound: Option<LinkId> = None;
    let mut next = 0;
    for print in wire.received.iter().take(MOST_PRINTS) {
        let in_order =
            bound.filter(|link| asked.get(link).is_some_and(|of| of.prints.get(next) == Some(print)));
        let Some((link, place)) = in_order.map(|link| (link, next)).or_else(|| find(asked, bound, *print))
        else {
            kinds.push(Kind::SendNotAskedFor);
            continue;
        };
        let Some(of) = asked.get_mut(&link) else { continue };
        match bound {
            None if !of.bound => {
                of.bound = true;
                bound = Some(link);
            }
            Some(bound) if bound == link => {}
            _ => {
                mark(of, place);
                kinds.push(Kind::SendOnWrongLink { link });
                continue;
            }
        }
        if !mark(of, place) {
            kinds.push(Kind::SendTwice(link));
        } else if place < next {
            kinds.push(Kind::SendOutOfOrder(link));
        } else {
            // What was left out may still come; if not, it is lost.
            next = place + 1;
        }
    }
    bound
}

/// Where a message was asked for: of the connection's own link and not yet seen, if there is a choice.
fn find(asked: &BTreeMap<LinkId, Asked<'_>>, bound: Option<LinkId>, print: Print) -> Option<(LinkId, usize)> {
    let places = asked.iter().flat_map(|(link, of)| {
        let equal = of.prints.iter().enumerate().filter(move |(_, other)| **other == print);
        equal.map(move |(place, _)| (*link, place, of.seen.get(place) == Some(&true)))
    });
    places
        .min_by_key(|(link, place, seen)| (bound.is_some_and(|bound| bound != *link), *seen, *link, *place))
        .map(|(link, place, _)| (link, place))
}

/// Marks a message as seen; false when it was already.
fn mark(of: &mut Asked<'_>, place: usize) -> bool {
    of.seen.get_mut(place).is_some_and(|seen| !std::mem::replace(seen, true))
}

/// What the peer sent must be what the client was told.
fn read(wire: &Wire, link: LinkId, links: &Links, kinds: &mut Vec<Kind>) {
    let Some(life) = links.get(link) else { return };
    if wire.sent.len() >= MOST_PRINTS || life.told.len() >= MOST_PRINTS {
        return;
    }
    if !wire.sent.starts_with(&life.told) {
        kinds.push(Kind::FrameMangled(link));
    } else if life.reads() && wire.sent.len() > life.told.len() {
        kinds.push(Kind::StoppedReading { link, messages: wire.sent.len() - life.told.len() });
    }
}

/// What was not read of a connection that the host closed, if that is all of it.
fn never_read(wire: &Wire, link: LinkId, links: &Links) -> Option<Kind> {
    let life = links.get(link).filter(|life| life.closing && life.opened() && life.told.is_empty())?;
    let messages = wire.closed.unwrap_or(wire.sent.len());
    (messages > 0 && !life.reads()).then_some(Kind::StoppedReading { link, messages })
}

/// Gaps are lost for sure; what came last may be on its way, unless the connection was closed after it. Where nothing at
/// all arrived of a socket that the host was asked to close, or of any socket until now, nothing was written.
fn lost(
    (wire, mute): (&Wire, bool),
    link: LinkId,
    links: &Links,
    asked: &BTreeMap<LinkId, Asked<'_>>,
    kinds: &mut Vec<Kind>,
) {
    let (Some(of), Some(life)) = (asked.get(&link), links.get(link)) else { return };
    let nothing = wire.received.is_empty() && (life.closing || mute && life.reads());
    let in_full = nothing || wire.closed.is_some() && life.closing && of.seen.len() < MOST_PRINTS;
    let last =
        if in_full { of.seen.len() } else { of.seen.iter().rposition(|seen| *seen).map_or(0, |n| n + 1) };
    let messages = of.seen.iter().take(last).filter(|seen| !**seen).count();
    if messages > 0 {
        kinds.push(Kind::SendLost { link, messages });
    }
}
