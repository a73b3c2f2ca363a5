use chat_proto::{Config, Identity, Record, Seed, Time, Token};

use super::Core;

/// What a client began with: enough to make it again.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Origin {
    /// The client that begins like this.
    pub fn client<C: Core>(&self) -> C {
        C::new(self.config.clone(), self.token.clone(), &self.seed, self.start)
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

/// All that went into the clients of a world and came out of them, in the order of happening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// The clients.
    pub clients: Vec<Origin>,
    /// What happened.
    pub entries: Vec<Entry>,
}

impl Session {
    /// What happened to one client.
    pub fn of(&self, client: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.client == client)
    }
}
