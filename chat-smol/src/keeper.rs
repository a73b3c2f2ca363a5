//! What is stored of a client: all of it at times, and otherwise what changed since.
//!
//! One write for each save, so a crash leaves the parts of one save or of the other. A new base lies beside changes of
//! the old one until there are some of its own: those are older, and the base says so ([`Saved::supersedes`]).

use std::sync::Arc;

use chat_proto::{ResumeError, Saved, SavedChanges};

use crate::error::{BoxError, CreateError};
use crate::storage::Storage;

pub(crate) struct Keeper {
    storage: Arc<dyn Storage>,
    /// Where changes go, if they can be stored.
    changes: Option<Arc<dyn Storage>>,
    /// What is stored there, if that is certain.
    base: Option<Base>,
}

#[derive(Clone)]
struct Base {
    /// It shares the read model with the client, as far as that is still the same.
    saved: Arc<Saved>,
    bytes: usize,
    /// How many bytes of changes were written since.
    written: usize,
}

impl Keeper {
    /// What was stored last, and who goes on storing.
    pub(crate) async fn load(storage: Arc<dyn Storage>) -> Result<(Self, Option<Saved>), CreateError> {
        let changes = storage.changes();
        let text = storage.load().await.map_err(CreateError::Storage)?;
        let mut since = None;
        if let Some(changes) = &changes {
            since = changes.load().await.map_err(CreateError::Storage)?.filter(|text| !text.is_empty());
            if text.is_none() && since.is_some() {
                // Whoever cleared the storage did not finish. They must not stand beside the next base: it begins anew,
                // and they would look newer.
                changes.store(Vec::new()).await.map_err(CreateError::Storage)?;
            }
        }
        let Some(text) = text else { return Ok((Self { storage, changes, base: None }, None)) };
        let (saved, base) = smol::unblock(move || read(&text, since.as_deref())).await?;
        let base = changes.is_some().then_some(base);
        Ok((Self { storage, changes, base }, Some(saved)))
    }

    /// Stores the client.
    pub(crate) async fn store(&mut self, saved: Saved) -> Result<(), BoxError> {
        let saved = Arc::new(saved);
        if let (Some(place), Some(base)) = (&self.changes, &mut self.base) {
            let (newer, older) = (saved.clone(), base.saved.clone());
            let text = smol::unblock(move || newer.changes_since(&older).to_json()).await;
            // Changes are written again and again with all that came since the base. The least is written in all if that
            // goes on until it was as much as a new base is.
            let written = base.written.saturating_add(text.len());
            if written <= base.bytes {
                base.written = written;
                return place.store(text.into_bytes()).await;
            }
        }
        // Until it is stored, or if that fails, either may be there.
        self.base = None;
        let whole = saved.clone();
        let text = smol::unblock(move || whole.to_json()).await;
        let bytes = text.len();
        self.storage.store(text.into_bytes()).await?;
        self.base = self.changes.is_some().then_some(Base { saved, bytes, written: 0 });
        Ok(())
    }
}

/// The newest of what is stored, and its base.
fn read(text: &[u8], changes: Option<&[u8]>) -> Result<(Saved, Base), ResumeError> {
    let saved = Saved::from_json(text)?;
    let mut base = Base { saved: Arc::new(saved.clone()), bytes: text.len(), written: 0 };
    let Some(text) = changes else { return Ok((saved, base)) };
    let changes = SavedChanges::from_json(text)?;
    // Asked of the base, which remembers its name: that is made of all that is in it.
    if base.saved.supersedes(&changes) {
        return Ok((saved, base));
    }
    base.written = text.len();
    Ok((saved.with_changes(changes)?, base))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use chat_proto::{Call, ChannelSid, Config, CreateChannel, Json, Reply, SendMessage};
    use chat_testkit::service::ServiceConfig;
    use chat_testkit::stage::{Stage, Who};
    use smol::block_on;

    use super::*;
    use crate::storage::StorageFuture;

    /// What a disk holds: the base, and the changes.
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Content([Option<Vec<u8>>; 2]);

    /// One of the places of a disk in memory, whose next writes may fail, before or after they are done.
    #[derive(Debug, Clone, Default)]
    struct Disk {
        content: Arc<Mutex<Content>>,
        place: usize,
        in_parts: bool,
        fails: Arc<Mutex<Vec<bool>>>,
    }

    impl Disk {
        fn of(content: &Content) -> Self {
            Self { content: Arc::new(Mutex::new(content.clone())), in_parts: true, ..Self::default() }
        }

        fn content(&self) -> Content {
            self.content.lock().unwrap().clone()
        }

        fn load(&self) -> Result<(Keeper, Option<Saved>), CreateError> {
            block_on(Keeper::load(Arc::new(self.clone())))
        }
    }

    impl Storage for Disk {
        fn load(&self) -> StorageFuture<Option<Vec<u8>>> {
            let bytes = self.content().0[self.place].clone();
            Box::pin(async { Ok(bytes) })
        }

        fn store(&self, save: Vec<u8>) -> StorageFuture<()> {
            let fails = self.fails.lock().unwrap().pop();
            if fails != Some(false) {
                self.content.lock().unwrap().0[self.place] = Some(save);
            }
            Box::pin(async move { if fails.is_some() { Err("it is full".into()) } else { Ok(()) } })
        }

        fn changes(&self) -> Option<Arc<dyn Storage>> {
            (self.in_parts && self.place == 0).then(|| Arc::new(Self { place: 1, ..self.clone() }) as _)
        }
    }

    /// Somebody in a channel, to make saves of.
    struct Story {
        stage: Stage,
        alice: Who,
        room: ChannelSid,
        said: u32,
    }

    impl Story {
        fn new() -> Self {
            let mut config = Config::default();
            config.write_ahead = true;
            let mut stage = Stage::new(ServiceConfig::default());
            let alice = stage.enter_with("alice", config);
            let Ok(Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(CreateChannel::default()))
            else {
                panic!("it is made")
            };
            let room = channel.sid.clone();
            stage.ask(alice, Call::Join(room.clone())).unwrap();
            Self { stage, alice, room, said: 0 }
        }

        fn next(&mut self) -> Saved {
            self.said += 1;
            let message = SendMessage {
                channel: self.room.clone(),
                body: Some(format!("the message with the number {}", self.said).into()),
                attributes: Json::default(),
            };
            self.stage.ask(self.alice, Call::SendMessage(message)).unwrap();
            self.stage.take_all_events();
            self.stage.save(self.alice)
        }
    }

    /// Each save is one write, so this is a crash after each write, and between a new base and its first changes.
    #[test]
    fn whatever_is_stored_is_loaded_after_a_crash_at_any_moment() {
        let (mut story, disk) = (Story::new(), Disk { in_parts: true, ..Disk::default() });
        let (mut keeper, nothing) = disk.load().unwrap();
        assert_eq!(nothing, None);
        let mut writes = [0, 0];
        let (mut sizes, mut lone) = ([0, 0], 0);
        for n in 0..250 {
            let (before, saved) = (disk.content(), story.next());
            block_on(keeper.store(saved.clone())).unwrap();
            let after = disk.content();
            for place in 0..2 {
                if before.0[place] != after.0[place] {
                    writes[place] += 1;
                    sizes[place] += after.0[place].as_ref().unwrap().len();
                }
            }
            let (next, loaded) = Disk::of(&after).load().unwrap();
            assert_eq!(loaded.as_ref(), Some(&saved), "save {n}");
            lone += u32::from(before.0[0] != after.0[0] && before.0[1].is_some());
            if n % 20 == 19 {
                // Another process goes on.
                keeper = Keeper { storage: keeper.storage, changes: keeper.changes, base: next.base };
            }
        }
        assert_eq!(writes.iter().sum::<u32>(), 250);
        assert!(
            writes[1] > 200 && lone > 3,
            "bases and changes {writes:?}, {lone} beside older ones, {sizes:?} bytes"
        );
    }

    /// Whether a write that failed was done or not, what is there is what was stored, or newer.
    #[test]
    fn a_disk_that_fails_loses_nothing_that_was_stored() {
        let (mut story, disk) = (Story::new(), Disk { in_parts: true, ..Disk::default() });
        let (mut keeper, _) = disk.load().unwrap();
        let (mut since, mut failed) = (Vec::new(), 0);
        for n in 0..300_u32 {
            // Some of these fall on a new base.
            let fails = (n > 0 && n % 3 == 1).then_some(n % 2 == 0);
            *disk.fails.lock().unwrap() = fails.into_iter().collect();
            let saved = story.next();
            let stored = block_on(keeper.store(saved.clone()));
            assert_eq!(stored.is_err(), fails.is_some());
            if stored.is_ok() {
                since.clear();
            } else {
                failed += u32::from(keeper.base.is_none());
            }
            since.push(saved);
            let (_, loaded) = Disk::of(&disk.content()).load().unwrap();
            assert!(since.contains(loaded.as_ref().unwrap()), "save {n}");
        }
        assert!(failed > 0, "no base failed");
    }

    #[test]
    fn a_base_that_is_not_that_of_newer_changes_is_refused() {
        let (mut story, disk) = (Story::new(), Disk { in_parts: true, ..Disk::default() });
        let (mut keeper, _) = disk.load().unwrap();
        let first = story.next();
        block_on(keeper.store(first)).unwrap();
        let old = disk.content();
        let mut bases = 1;
        while bases < 2 || disk.content().0[1] == old.0[1] {
            let before = disk.content();
            block_on(keeper.store(story.next())).unwrap();
            bases += u32::from(before.0[0] != disk.content().0[0]);
        }
        block_on(keeper.store(story.next())).unwrap();
        let [_, newest] = disk.content().0;
        let mixed = Disk::of(&Content([old.0[0].clone(), newest]));
        let refused = mixed.load().map(|(_, saved)| saved);
        assert!(matches!(refused, Err(CreateError::Resume(ResumeError::OtherBase { .. }))), "{refused:?}");
        // It was left as it is.
        assert!(mixed.content().0[1] == disk.content().0[1]);
    }

    #[test]
    fn changes_without_a_base_are_of_a_client_that_was_cleared() {
        let (mut story, disk) = (Story::new(), Disk { in_parts: true, ..Disk::default() });
        let (mut keeper, _) = disk.load().unwrap();
        for _ in 0..40 {
            block_on(keeper.store(story.next())).unwrap();
        }
        let [_, changes] = disk.content().0;
        assert!(changes.is_some());
        let cleared = Disk::of(&Content([None, changes]));
        let (mut keeper, nothing) = cleared.load().unwrap();
        assert_eq!(nothing, None);
        // The next one begins anew, and is older by all that can be seen.
        let mut another = Story::new();
        let saved = another.next();
        block_on(keeper.store(saved.clone())).unwrap();
        assert_eq!(Disk::of(&cleared.content()).load().unwrap().1, Some(saved));
    }

    #[test]
    fn a_storage_of_one_place_is_given_all_of_it() {
        let (mut story, disk) = (Story::new(), Disk::default());
        let (mut keeper, _) = disk.load().unwrap();
        for _ in 0..5 {
            let saved = story.next();
            block_on(keeper.store(saved.clone())).unwrap();
            assert_eq!(Saved::from_json(disk.content().0[0].as_ref().unwrap()), Ok(saved));
        }
        assert_eq!(disk.content().0[1], None);
    }
}
