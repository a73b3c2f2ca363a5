//! Clients that crash and come back.

use chat_proto::session::ClientHeader;
use chat_proto::{Client, ResumeError, Saved, SavedChanges};

use super::{Stage, Who};
use crate::service::ServiceInput;

/// What a host reads again that stored `base`, and beside it what changed from there to `newer`: `newer`.
///
/// # Errors
/// Never, for saves that clients made.
pub fn read_in_parts(base: &Saved, newer: &Saved) -> Result<Saved, ResumeError> {
    let (base_text, changes) = (base.to_json(), newer.changes_since(base).to_json());
    let changes = SavedChanges::from_json(changes.as_bytes())?;
    Saved::from_json(base_text.as_bytes())?.with_changes(changes)
}

impl Stage {
    /// What the person's client would have kept now.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn save(&self, who: Who) -> Saved {
        self.people[who.0].client.save(self.now)
    }

    /// The newest save that reached the disk. Only clients with `write_ahead` ask for one; writing takes longer
    /// than sending.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn disk(&self, who: Who) -> Option<&Saved> {
        self.people[who.0].disk.as_ref()
    }

    /// From now on the person's disk keeps, or does not keep, what it is given.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn lose_saves(&mut self, who: Who, lose: bool) {
        self.people[who.0].lose_saves = lose;
    }

    /// The person's client and its host are gone, at once and without a word. A client that is made of `saved` takes
    /// the same seat, with the same configuration, token and seed.
    ///
    /// # Errors
    /// The save cannot be resumed from: the old client stays.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn crash(&mut self, who: Who, saved: Saved) -> Result<(), ResumeError> {
        let person = &mut self.people[who.0];
        let (config, token) = (person.config.clone(), person.token.clone());
        let header = ClientHeader::new(&config, &token, &person.seed, self.now).resumed(saved.clone());
        person.client = Client::resume(config, token, &person.seed, self.now, saved)?;
        person.seat = self.tape.begin(header);
        person.life += 1;
        person.opening = None;
        person.open = None;
        self.exchanges.forget_all(who);
        let conn = person.link.take().map(|(_, conn)| conn);
        if let Some(conn) = conn {
            self.wire.forget(conn);
            self.service.handle(self.now, ServiceInput::Closed(conn));
            self.drain_service();
        }
        self.drain(who);
        Ok(())
    }
}
