use std::collections::{BTreeMap, BTreeSet};

use chat_proto::{Call, CallId, Config, Event, Identity, Record, ResumeError, Saved, Seed, Time, Token};

use super::Core;

/// What a client began with: enough to make it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Who it is.
    pub identity: Identity,
    /// Its access token.
    pub token: Token,
    /// How it behaves.
    pub config: Config,
    /// Where its ids come from.
    pub seed: Seed,
    /// When it began.
    pub start: Time,
    /// What it went on from: `None` for a client that began from nothing.
    pub resumed: Option<Resumed>,
}

/// What a client went on from after an earlier one was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumed {
    /// The earlier client: a place in [`Session::clients`]; `None` if it is not in this session, or if nobody knows
    /// when it made the save.
    pub life: Option<usize>,
    /// How many entries the session had when the save was made, if `life` is known.
    pub entries: usize,
    /// The save.
    pub saved: Saved,
}

impl Origin {
    /// The client that begins like this.
    ///
    /// # Errors
    /// The client does not take the save.
    pub fn client<C: Core>(&self) -> Result<C, ResumeError> {
        let (config, token) = (self.config.clone(), self.token.clone());
        match &self.resumed {
            None => Ok(C::new(config, token, &self.seed, self.start)),
            Some(resumed) => C::resume(config, token, &self.seed, self.start, resumed.saved.clone()),
        }
    }
}

/// One thing that went into a client or came out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its host took the time for: a client's own clock, which may go back.
    pub at: Time,
    /// Which client: a place in [`Session::clients`].
    pub client: usize,
    /// What it was.
    pub record: Record,
}

/// A remark for whoever reads a session: what was done to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How many entries there were then.
    pub entries: usize,
    /// On the client's own clock.
    pub at: Time,
    /// Which client: a place in [`Session::clients`].
    pub client: usize,
    /// What.
    pub text: Box<str>,
}

/// All that went into the clients of a world and came out of them, in the order of happening.
///
/// A client that is resumed after a crash is a client of its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Session {
    /// The clients.
    pub clients: Vec<Origin>,
    /// What happened.
    pub entries: Vec<Entry>,
    /// Remarks, in the order of happening.
    pub notes: Vec<Note>,
    /// The clients that were lost in a crash.
    pub crashed: BTreeSet<usize>,
    /// Whether the world came to its end.
    pub ended: bool,
    /// Whether it was read from a session file: secrets are not in it, and a client that was not shut down may have
    /// lived on.
    pub recorded: bool,
}

impl Session {
    /// Whether all came out of the clients that was in them.
    pub fn is_whole(&self) -> bool {
        self.ended && self.crashed.is_empty()
    }

    /// Whether a client went on from a save, and what it had been asked before is not known.
    pub fn has_unknown_past(&self, client: usize) -> bool {
        let resumed = |client: usize| self.clients.get(client).and_then(|origin| origin.resumed.as_ref());
        // Lives come one after the other, so this ends.
        let mut life = client;
        while let Some(resumed) = resumed(life) {
            match resumed.life {
                Some(earlier) if earlier < life => life = earlier,
                _ => return true,
            }
        }
        false
    }

    /// What happened to one client, this life alone.
    pub fn of(&self, client: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.client == client)
    }

    /// What happened to one client as it remembers it, with its places: of earlier lives what its saves hold.
    pub fn story(&self, client: usize) -> Vec<(usize, &Entry)> {
        // The lives, newest first, each with the entry before which it ends.
        let (mut lives, mut end) = (BTreeMap::new(), self.entries.len());
        let mut life = client;
        loop {
            lives.insert(life, end);
            match self.clients.get(life).and_then(|origin| origin.resumed.as_ref()) {
                Some(Resumed { life: Some(earlier), entries, .. }) if !lives.contains_key(earlier) => {
                    (life, end) = (*earlier, *entries);
                }
                _ => break,
            }
        }
        let known = |step: usize, entry: &Entry| lives.get(&entry.client).is_some_and(|end| step < *end);
        self.entries.iter().enumerate().filter(|(step, entry)| known(*step, entry)).collect()
    }

    /// The calls of a client that have no answer when the session ends, by their names.
    pub fn waiting(&self, client: usize) -> BTreeSet<CallId> {
        unanswered(self.story(client)).into_keys().collect()
    }

    /// The calls that a client took along from its earlier life, with the places where they were made.
    pub fn inherited(&self, client: usize) -> BTreeMap<CallId, (usize, &Call)> {
        unanswered(self.story(client).into_iter().filter(|(_, entry)| entry.client != client))
    }
}

/// The calls among the entries whose answer is not among them, with their places.
fn unanswered<'a>(
    entries: impl IntoIterator<Item = (usize, &'a Entry)>,
) -> BTreeMap<CallId, (usize, &'a Call)> {
    let mut waiting = BTreeMap::new();
    for (step, entry) in entries {
        match &entry.record {
            Record::Call { id: Some(id), call, .. } => drop(waiting.insert(*id, (step, &**call))),
            Record::Event(Event::Answer { call, .. }) => drop(waiting.remove(call)),
            _ => {}
        }
    }
    waiting
}
