use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use chat_proto::{
    Call, CallId, Channel, ChannelSid, ChannelStatus, Event, Identity, Member, MemberSid, Message, Record,
    Reply, State, User,
};

use super::Violation;
use crate::world::{Core, Run, Session};

/// Law 11, of what is told: an app that knows nothing but its events ends with what
/// [`Client::state`](chat_proto::Client::state) shows, and no event contradicts those before it.
///
/// An app may rely on this, from the state at its start or resume on:
///
/// - A channel is added before anything else is said of it, and not again before it was removed. It is joined, invited
///   and left in turns: nothing that it is already is told again. Each of these events, and each update, carries all of
///   the channel as it was then; what no event said is as it was.
/// - A member joins once and leaves once: a membership that ended does not come back, for whoever joins again has
///   another one. Members who were there before are not told; [`Call::GetMembers`] shows them, and from its answer on
///   nobody comes or goes untold until the channel is left. Without it, and after an outage, an update or the end of a
///   membership may be the first that is heard of it.
/// - Members and messages are told of in channels that were joined. Where a call reads them before that was told (the own
///   user is a member already, and its event is late), what it reads is followed from then on.
/// - A message is added once. One that was shown by a page, or read for a call that names it, may be added afterwards:
///   that is its event, which came later. What is updated or removed was told, or shown, or asked for by its index: what
///   became of a message before it was added comes with it.
/// - A person is subscribed before and after its unsubscription, not twice in a row. Updates may come before the
///   subscription that they belong to (spec 03 §11): they are its first values.
/// - What came to be and passed while the client was away is not told: the last state wins. Nor are changes of a channel
///   and of its members once the channel is left.
///
/// # Errors
///
/// The first event that contradicts those before it, or the first thing that no event told.
pub fn told_rightly<C: Core>(run: &Run<C>) -> Result<(), Violation> {
    for client in 0..run.session.clients.len() {
        let seat = run.seats.iter().position(|seat| *seat == client);
        let end = seat.and_then(|seat| run.clients.get(seat)).map(C::state);
        told::<C>(&run.session, client, run.healed, end)?;
    }
    Ok(())
}

/// The same of one client of any session, up to an entry; with the state that it had then, that must be what was told.
pub(super) fn told<C: Core>(
    session: &Session,
    client: usize,
    healed: usize,
    end: Option<&State>,
) -> Result<(), Violation> {
    let Some(origin) = session.clients.get(client) else { return Ok(()) };
    // That saves can be resumed is for law 7 to say.
    let Ok(mut begun) = origin.client::<C>() else { return Ok(()) };
    let mut app = App::of(begun.state());
    for (id, (_, call)) in session.inherited(client) {
        app.asks(id, call);
    }
    // What an earlier life read is followed on.
    for (_, entry) in session.story(client) {
        if let Record::Call { id: Some(_), call, .. } = &entry.record
            && entry.client != client
        {
            app.opened.extend(reads_streams(call).cloned());
        }
    }
    // What waited in the save is told first, and the state has it already.
    let mut waited: VecDeque<Event> = std::iter::from_fn(|| begun.poll_event()).collect();
    for (step, entry) in session.entries.iter().enumerate().take(healed) {
        if entry.client != client {
            continue;
        }
        let heard = match &entry.record {
            Record::Call { id: Some(id), call, .. } => {
                app.asks(*id, call);
                Ok(())
            }
            Record::Event(event) => {
                // A change of the connection gives way to a later one, if there are too many.
                while waited.front().is_some_and(|next| next != event && is_of_connection(next)) {
                    waited.pop_front();
                }
                if waited.front() == Some(event) {
                    waited.pop_front();
                    app.heard_already(event);
                    continue;
                }
                app.hears(event)
            }
            _ => Ok(()),
        };
        heard.map_err(|what| Violation::new(11, client, step, what))?;
    }
    end.map_or(Ok(()), |state| app.equals(state)).map_err(|what| Violation::new(11, client, healed, what))
}

fn is_of_connection(event: &Event) -> bool {
    matches!(event, Event::ConnectionStateChanged(_))
}

/// What an app knows of one channel.
#[derive(Debug, Clone)]
struct Room {
    channel: Arc<Channel>,
    /// What was told of it: an update that comes with it carries it already.
    status: ChannelStatus,
    members: BTreeMap<MemberSid, Arc<Member>>,
    /// Whether all members are known: from an answer on, until the channel is left.
    all_members: bool,
    messages: BTreeMap<u64, Arc<Message>>,
}

impl Room {
    fn new(channel: &Arc<Channel>, status: ChannelStatus) -> Self {
        let (members, messages) = (BTreeMap::new(), BTreeMap::new());
        Self { channel: channel.clone(), status, members, all_members: false, messages }
    }

    /// Nothing is told of them any more.
    fn leave(&mut self) {
        self.members.clear();
        self.messages.clear();
        self.all_members = false;
    }
}

/// An app that knows only what it was told.
#[derive(Debug, Default)]
struct App {
    rooms: BTreeMap<ChannelSid, Room>,
    users: BTreeMap<Identity, Arc<User>>,
    /// Values of people whose subscription is still to be told.
    coming: BTreeMap<Identity, Arc<User>>,
    /// `MemberJoined`, and `MemberLeft`.
    joined: BTreeSet<MemberSid>,
    gone: BTreeSet<MemberSid>,
    /// `MessageAdded`.
    added: BTreeSet<(ChannelSid, u64)>,
    /// Messages that calls named: these are read when they are not held.
    asked: BTreeSet<(ChannelSid, u64)>,
    /// Pages that calls asked for, of these channels, or of any.
    pages: BTreeMap<CallId, Option<ChannelSid>>,
    /// Channels of which a page was asked for in vain: it may have come all the same, after the answer.
    unanswered: BTreeSet<ChannelSid>,
    /// Channels whose members or messages a call read.
    opened: BTreeSet<ChannelSid>,
}

type Heard = Result<(), String>;

impl App {
    fn of(state: &State) -> Self {
        let mut app = Self::default();
        for channel in state.channels() {
            let mut room = Room::new(channel, channel.status);
            if channel.status == ChannelStatus::Joined {
                room.members
                    .extend(state.members(&channel.sid).into_iter().map(|of| (of.sid.clone(), of.clone())));
                room.messages.extend(state.messages(&channel.sid).map(|of| (of.index, of.clone())));
            } else if state.messages(&channel.sid).next().is_some() {
                // Of an earlier membership, or read by a call before this one was told: nobody knows which.
                app.unanswered.insert(channel.sid.clone());
            }
            app.rooms.insert(channel.sid.clone(), room);
        }
        let subscribed = state.users().filter(|user| user.is_subscribed);
        app.users.extend(subscribed.map(|user| (user.identity.clone(), user.clone())));
        app
    }

    fn asks(&mut self, id: CallId, call: &Call) {
        self.opened.extend(reads_streams(call).cloned());
        match call {
            // It reads the newest message.
            Call::SetAllMessagesConsumed(sid) => drop(self.unanswered.insert(sid.clone())),
            Call::GetMessages(page) => drop(self.pages.insert(id, Some(page.channel.clone()))),
            Call::NextPage(_) => drop(self.pages.insert(id, None)),
            Call::UpdateMessageBody(sid, index, _)
            | Call::UpdateMessageAttributes(sid, index, _)
            | Call::RemoveMessage(sid, index)
            | Call::GetMessageMember(sid, index) => {
                self.asked.insert((sid.clone(), *index));
            }
            _ => {}
        }
    }

    /// What the state has already.
    fn heard_already(&mut self, event: &Event) {
        match event {
            Event::MemberJoined(member) => drop(self.joined.insert(member.sid.clone())),
            Event::MemberLeft(member) => drop(self.gone.insert(member.sid.clone())),
            Event::MessageAdded(message) => {
                self.added.insert((message.channel.clone(), message.index));
            }
            Event::Answer { call, result: Err(_) } => self.misses(*call),
            _ => {}
        }
    }

    fn misses(&mut self, call: CallId) {
        match self.pages.get(&call) {
            Some(Some(sid)) => drop(self.unanswered.insert(sid.clone())),
            Some(None) => self.unanswered.extend(self.rooms.keys().cloned()),
            None => {}
        }
    }

    fn hears(&mut self, event: &Event) -> Heard {
        match event {
            Event::ChannelAdded(channel) => {
                let room = Room::new(channel, ChannelStatus::Known);
                match self.rooms.insert(channel.sid.clone(), room) {
                    Some(_) => Err(format!("{} is added, and was there", channel.sid)),
                    None => Ok(()),
                }
            }
            Event::ChannelUpdated { channel, .. } => self.room(channel).map(|_| ()),
            Event::ChannelJoined(channel) => self.stands(channel, ChannelStatus::Joined),
            Event::ChannelInvited(channel) => self.stands(channel, ChannelStatus::Invited),
            Event::ChannelLeft(channel) => {
                self.stands(channel, ChannelStatus::Known)?;
                self.room(channel).map(Room::leave)
            }
            Event::ChannelRemoved(channel) => self.room(channel).map(drop).map(|()| {
                self.rooms.remove(&channel.sid);
            }),
            Event::MemberJoined(member) => self.member_joins(member),
            Event::MemberLeft(member) => self.member_goes(member),
            Event::MemberUpdated { member, .. }
            | Event::TypingStarted(member)
            | Event::TypingEnded(member) => self.member_changes(member),
            Event::MessageAdded(message) => self.message_comes(message),
            Event::MessageUpdated { message, .. } => {
                self.knows(message, "updated")?;
                self.keep(message);
                Ok(())
            }
            Event::MessageRemoved(message) => {
                self.knows(message, "removed")?;
                if let Some(room) = self.rooms.get_mut(&message.channel) {
                    room.messages.remove(&message.index);
                }
                Ok(())
            }
            Event::UserSubscribed(user) => {
                self.coming.remove(&user.identity);
                match self.users.insert(user.identity.clone(), user.clone()) {
                    Some(_) => Err(format!("{} is subscribed twice", user.identity)),
                    None => Ok(()),
                }
            }
            Event::UserUnsubscribed(user) => match self.users.remove(&user.identity) {
                Some(_) => Ok(()),
                None => Err(format!("{} is unsubscribed, and was not subscribed", user.identity)),
            },
            Event::UserUpdated { user, .. } => {
                let known = self.users.get_mut(&user.identity);
                match known {
                    Some(known) => known.clone_from(user),
                    None => drop(self.coming.insert(user.identity.clone(), user.clone())),
                }
                Ok(())
            }
            Event::Answer { result: Ok(reply), .. } => self.reads(reply),
            Event::Answer { call, result: Err(_) } => {
                self.misses(*call);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A channel that must be known; it is as told from now on.
    fn room(&mut self, channel: &Arc<Channel>) -> Result<&mut Room, String> {
        let room = self.rooms.get_mut(&channel.sid);
        let room =
            room.ok_or_else(|| format!("something is told of {}, which was not added", channel.sid))?;
        room.channel.clone_from(channel);
        Ok(room)
    }

    /// The own user stands otherwise to a channel than before.
    fn stands(&mut self, channel: &Arc<Channel>, status: ChannelStatus) -> Heard {
        let room = self.room(channel)?;
        if std::mem::replace(&mut room.status, status) == status {
            return Err(format!("{} is told to be {status:?}, and was that already", channel.sid));
        }
        Ok(())
    }

    /// The room of a member, if the own user is in it.
    fn room_of(&mut self, member: &Member) -> Result<&mut Room, String> {
        if self.gone.contains(&member.sid) {
            return Err(format!("something is told of {}, who left", member.sid));
        }
        let opened = self.opened.contains(&member.channel);
        let room = self.rooms.get_mut(&member.channel);
        room.filter(|room| opened || room.status == ChannelStatus::Joined)
            .ok_or_else(|| format!("{} is told of in {}, which was not joined", member.sid, member.channel))
    }

    fn member_joins(&mut self, member: &Arc<Member>) -> Heard {
        self.room_of(member)?.members.insert(member.sid.clone(), member.clone());
        if self.joined.insert(member.sid.clone()) {
            return Ok(());
        }
        Err(format!("{} joins {} twice", member.sid, member.channel))
    }

    /// A replay may tell it of somebody whom the members that were read had not any more.
    fn member_goes(&mut self, member: &Arc<Member>) -> Heard {
        self.room_of(member)?.members.remove(&member.sid);
        self.gone.insert(member.sid.clone());
        Ok(())
    }

    /// As for [`App::member_goes`].
    fn member_changes(&mut self, member: &Arc<Member>) -> Heard {
        self.room_of(member)?.members.insert(member.sid.clone(), member.clone());
        Ok(())
    }

    fn message_comes(&mut self, message: &Arc<Message>) -> Heard {
        if !self.added.insert((message.channel.clone(), message.index)) {
            return Err(format!("message {} of {} is added twice", message.index, message.channel));
        }
        let opened = self.opened.contains(&message.channel);
        let room = self.rooms.get(&message.channel);
        if room.is_none_or(|room| !opened && room.status != ChannelStatus::Joined) {
            return Err(format!("message {} comes to {}, not joined", message.index, message.channel));
        }
        self.keep(message);
        Ok(())
    }

    fn keep(&mut self, message: &Arc<Message>) {
        if let Some(room) = self.rooms.get_mut(&message.channel) {
            room.messages.insert(message.index, message.clone());
        }
    }

    fn knows(&self, message: &Message, what: &str) -> Heard {
        let room = self.rooms.get(&message.channel);
        let known = room.is_some_and(|room| room.messages.contains_key(&message.index));
        if known || self.may_hold(&message.channel, message.index) {
            return Ok(());
        }
        Err(format!("message {} of {} is {what}, and was never there", message.index, message.channel))
    }

    /// Whether the client may hold a message that it did not tell of nor show.
    fn may_hold(&self, sid: &ChannelSid, index: u64) -> bool {
        self.unanswered.contains(sid) || self.asked.contains(&(sid.clone(), index))
    }

    /// What an answer shows is known from then on.
    fn reads(&mut self, reply: &Reply) -> Heard {
        match reply {
            Reply::MessagePage(page) => page.items.iter().for_each(|message| self.keep(message)),
            Reply::Members(members) => {
                let Some(first) = members.first() else { return Ok(()) };
                let Some(room) = self.rooms.get_mut(&first.channel) else { return Ok(()) };
                if room.status == ChannelStatus::Joined {
                    same_members(room, members)?;
                    room.members = members.iter().map(|of| (of.sid.clone(), of.clone())).collect();
                    room.all_members = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Everything against what the client shows.
    fn equals(&self, state: &State) -> Heard {
        for channel in state.channels() {
            let sid = &channel.sid;
            let Some(room) = self.rooms.get(sid) else {
                return Err(format!("{sid} is there, and was never added"));
            };
            if room.channel != *channel || room.status != channel.status {
                return Err(format!(
                    "{sid} was told to be {:?}, {:?}, and is {channel:?}",
                    room.status, room.channel
                ));
            }
            if channel.status != ChannelStatus::Joined {
                continue;
            }
            let members: Vec<Arc<Member>> = state.members(sid).into_iter().cloned().collect();
            same_members(room, &members).map_err(|what| format!("in {sid}, {what}"))?;
            self.same_messages(room, state)?;
        }
        if let Some(sid) = self.rooms.keys().find(|sid| state.channel(sid).is_none()) {
            return Err(format!("{sid} is gone, and was never removed"));
        }
        let users: Vec<&Arc<User>> = state.users().collect();
        if !users.iter().copied().eq(self.users.values()) {
            return Err(format!("its people are {users:?}, and {:?} were told", self.users));
        }
        match self.coming.keys().next() {
            Some(identity) => Err(format!("{identity} was updated, and never subscribed")),
            None => Ok(()),
        }
    }

    fn same_messages(&self, room: &Room, state: &State) -> Heard {
        let sid = &room.channel.sid;
        let mut held = BTreeSet::new();
        for message in state.messages(sid) {
            held.insert(message.index);
            match room.messages.get(&message.index) {
                Some(told) if told == message => {}
                None if self.may_hold(sid, message.index) => {}
                told => return Err(format!("in {sid}, {told:?} was told, and it is {message:?}")),
            }
        }
        // What is older than the window was dropped.
        let first = held.first().copied().unwrap_or(u64::MAX);
        match room.messages.keys().find(|index| **index >= first && !held.contains(index)) {
            Some(index) => Err(format!("message {index} of {sid} is gone, and was never removed")),
            None => Ok(()),
        }
    }
}

/// The channel of a call that reads its members or messages.
fn reads_streams(call: &Call) -> Option<&ChannelSid> {
    match call {
        Call::GetMembers(sid)
        | Call::GetMember(sid, _)
        | Call::GetMemberUser(sid, _)
        | Call::GetMemberUserDescriptor(sid, _)
        | Call::UpdateMemberAttributes(sid, ..)
        | Call::UpdateMessageBody(sid, ..)
        | Call::UpdateMessageAttributes(sid, ..)
        | Call::RemoveMessage(sid, _)
        | Call::GetMessageMember(sid, _)
        | Call::UpdateLastConsumedMessageIndex(sid, _)
        | Call::AdvanceLastConsumedMessageIndex(sid, _)
        | Call::SetAllMessagesConsumed(sid)
        | Call::SetNoMessagesConsumed(sid) => Some(sid),
        Call::GetMessages(page) => Some(&page.channel),
        _ => None,
    }
}

/// The members that were told are these; all of them, if all are known.
fn same_members(room: &Room, held: &[Arc<Member>]) -> Heard {
    for member in held {
        match room.members.get(&member.sid) {
            Some(told) if told == member => {}
            None if !room.all_members => {}
            told => return Err(format!("{told:?} was told, and it is {member:?}")),
        }
    }
    match room.members.keys().find(|sid| held.iter().all(|member| member.sid != **sid)) {
        Some(sid) => Err(format!("{sid} is gone, and nobody said so")),
        None => Ok(()),
    }
}
