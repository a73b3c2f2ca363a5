//! What goes wrong outside the service: networks that swallow everything, computers that sleep, apps that do not listen.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chat_proto::session::ClientHeader;
use chat_proto::{
    Call, CallDeadline, CallId, CallOptions, Cause, Client, Config, Input, LinkId, Network, Record, Refused,
    Seed, Time, Token,
};

use super::wire::Parcel;
use super::{LATENCY, Person, Stage, UNIX_AT_ORIGIN, Who};

impl Stage {
    /// A person comes in with this access token, whatever it is worth.
    ///
    /// # Panics
    /// The token is empty.
    pub fn enter_as(&mut self, token: &str, mut config: Config) -> Who {
        config.unix_at_origin = Some(UNIX_AT_ORIGIN);
        config.endpoints.twilsock = Some("ws://service.test/v3/wsconnect".into());
        config.endpoints.media = Some(self.service.config().media_url.as_str().into());
        let seed = Seed::from_number(self.people.len() as u64 + 1);
        let token = Token::new(token).expect("a token is not empty");
        let seat = self.tape.begin(ClientHeader::new(&config, &token, &seed, self.now));
        let client = Client::new(config.clone(), token.clone(), &seed, self.now);
        self.people.push(Person {
            client,
            seat,
            config,
            token,
            seed,
            life: 0,
            disk: None,
            lose_saves: false,
            media: BTreeMap::new(),
            transfers: VecDeque::new(),
            link: None,
            opening: None,
            open: None,
            opens: Vec::new(),
            frozen: false,
            deaf: None,
            lag: Duration::ZERO,
            last: (Time::ZERO, Time::ZERO),
            neglected: false,
            gone: false,
        });
        let who = Who(self.people.len() - 1);
        self.drain(who);
        who
    }

    /// A person's client, to look at.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn client(&self, who: Who) -> &Client {
        &self.people[who.0].client
    }

    /// When the client asked for a socket, each time.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn opens(&self, who: Who) -> &[Time] {
        &self.people[who.0].opens
    }

    /// Asks for something with a deadline.
    ///
    /// # Errors
    /// The client does not accept the call.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn start_by(&mut self, who: Who, call: Call, deadline: CallDeadline) -> Result<CallId, Refused> {
        self.start_with(who, call, CallOptions { deadline })
    }

    /// From now on nothing passes between this person and the service, and nobody is told: a half-open socket. `false`
    /// lets new sockets work; the old one lost something, so it stays deaf.
    pub fn freeze(&mut self, who: Who, frozen: bool) {
        self.note(who, if frozen { "nothing passes from here on" } else { "new connections work again" });
        if let Some(person) = self.people.get_mut(who.0) {
            person.frozen = frozen;
            person.deaf = person.link.map(|(_, conn)| conn).or(person.deaf);
        }
    }

    /// From now on new connections fail for this reason: names that do not resolve, certificates that are not trusted.
    /// [`Stage::reachable`] ends it.
    pub fn unreachable_because(&mut self, cause: Cause) {
        self.refuse = Some(cause);
    }

    /// From now on this person does not take events, or does again: what waits is taken at once.
    pub fn neglect(&mut self, who: Who, neglected: bool) {
        if let Some(person) = self.people.get_mut(who.0) {
            person.neglected = neglected;
        }
        self.drain(who);
    }

    /// From now on messages between this person and the service take longer by this, each way: others overtake them, but
    /// they do not overtake each other.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn lag(&mut self, who: Who, lag: Duration) {
        self.people[who.0].lag = lag;
    }

    /// When a message arrives that leaves now.
    pub(super) fn arrives(&mut self, who: Who, at_service: bool) -> Time {
        let person = &mut self.people[who.0];
        let last = if at_service { &mut person.last.0 } else { &mut person.last.1 };
        *last = (self.now + LATENCY + person.lag).max(*last);
        *last
    }

    /// The host learns something about its network.
    pub fn network(&mut self, who: Who, network: Network) {
        self.tell(who, Input::Network(network));
    }

    /// Everything sleeps: time passes, and nobody notices before it is over.
    pub fn sleep(&mut self, by: Duration) {
        self.now = self.now + by;
        self.moved = self.now;
    }

    /// The host looks at its clock, which shows `at`.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn tick_at(&mut self, who: Who, at: Time) {
        self.tape.add(at, self.people[who.0].seat, Record::from(&Input::Tick));
        self.people[who.0].client.handle(at, Input::Tick);
        self.drain(who);
    }

    /// A person goes away without a word: the socket breaks, and nothing is done for the client any more.
    pub fn vanish(&mut self, who: Who) {
        self.cut(who);
        if let Some(person) = self.people.get_mut(who.0) {
            person.gone = true;
            person.frozen = true;
        }
    }

    /// A socket is asked for.
    pub(super) fn open(&mut self, who: Who, link: LinkId) {
        let (now, at) = (self.now, self.now + LATENCY);
        let Some(person) = self.people.get_mut(who.0) else { return };
        assert_eq!(person.open, None, "a second socket while the first is not given up");
        person.open = Some(link);
        person.opening = Some(link);
        person.opens.push(now);
        self.wire.send(at, Parcel::Open(who, person.life, link));
    }

    /// A socket is given up.
    pub(super) fn give_up(&mut self, who: Who, link: LinkId) {
        let at = self.now + LATENCY;
        let Some(person) = self.people.get_mut(who.0) else { return };
        person.open.take_if(|open| *open == link);
        if person.opening.take_if(|opening| *opening == link).is_some() {
            self.wire.send(at, Parcel::ClosedByClient(who, person.life, link, None));
        } else if let Some((_, conn)) = person.link.take_if(|(of, _)| *of == link) {
            // A service that cannot be reached does not hear of it.
            let hears = !person.frozen && person.deaf != Some(conn);
            self.wire.send(at, Parcel::ClosedByClient(who, person.life, link, Some(conn).filter(|_| hears)));
        }
    }
}
