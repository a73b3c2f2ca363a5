//! Frames of the service, as many as one likes and each different: always the same ones for a seed. Members and their
//! order are those of the offline service, which the JavaScript SDK understands, but for `item_url` of messages: their
//! size is then that of the figures which this suite is held against.

use std::fmt::Write;

use chat_proto::frame;
use chat_testkit::world::Rng;

use crate::rooms::Room;

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A message was added: `list_item_added`.
    Message,
    /// Somebody read on: `map_item_updated` of a roster.
    Roster,
    /// A channel has a newer last message: `document_updated`.
    Document,
    /// Somebody types.
    Typing,
    /// The answer to a request.
    Reply,
    /// 60 % messages, 25 % roster, 8 % documents, 5 % typing, 2 % replies.
    Mix,
    /// The mix, but one in twenty was told before.
    MixRepeated,
    /// A message that was told before.
    Stale,
    /// An event of a kind that nobody knows yet.
    Unknown,
}

impl Kind {
    /// All of them, with the names that they have in reports.
    pub const ALL: [(Self, &str); 9] = [
        (Self::Message, "message"),
        (Self::Roster, "roster"),
        (Self::Document, "document"),
        (Self::Typing, "typing"),
        (Self::Reply, "reply"),
        (Self::Mix, "mix"),
        (Self::MixRepeated, "mix, 1 in 20 repeated"),
        (Self::Stale, "stale"),
        (Self::Unknown, "unknown"),
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("?", |(_, name)| name)
    }
}

/// A frame and what it is: never one of the mixtures.
#[derive(Debug, Clone)]
pub struct Composed {
    /// What it is about.
    pub kind: Kind,
    /// The whole frame.
    pub bytes: Vec<u8>,
}

/// Makes frames. What it makes for a room continues what it made before: event ids and indexes rise.
#[derive(Debug, Clone)]
pub struct Composer {
    rng: Rng,
    rooms: Vec<Room>,
    made: u64,
    /// The newest message frame, and those of the mix, to be told again.
    last: Vec<Composed>,
}

const WORDS: [&str; 24] = [
    "the",
    "meeting",
    "moves",
    "to",
    "Thursday",
    "because",
    "nobody",
    "can",
    "come",
    "before",
    "noon",
    "please",
    "tell",
    "Ann",
    "that",
    "her",
    "parcel",
    "waits",
    "at",
    "reception",
    "since",
    "this",
    "morning",
    "thanks",
];
/// As they stand in JSON.
const SPECIAL: [&str; 4] = ["\\n", "\\\"yes\\\"", "\u{1f389}", "za\u{17c}\u{f3}\u{142}\u{107}"];
const SERVICE: &str = "https://cds.us1.twilio.com/v3/Services/IS00000000000000000000000000000001";

impl Composer {
    /// For these rooms.
    pub fn new(seed: u64, rooms: Vec<Room>) -> Self {
        Self { rng: Rng::new(seed), rooms, made: 0, last: Vec::new() }
    }

    /// The next frame. A reply answers the request of this id.
    pub fn next(&mut self, kind: Kind, request: &mut dyn FnMut() -> String) -> Composed {
        let bytes = match kind {
            Kind::Message => self.message(),
            Kind::Roster => self.roster(),
            Kind::Document => self.document(),
            Kind::Typing => self.typing(),
            Kind::Reply => self.reply(&request()),
            Kind::Unknown => self.unknown(),
            Kind::Mix => {
                let kind = self.draw();
                return self.next(kind, request);
            }
            Kind::MixRepeated => {
                if self.rng.below(20) == 0
                    && let Some(known) = self.rng.pick(&self.last)
                {
                    return known.clone();
                }
                let made = self.next(Kind::Mix, request);
                if !matches!(made.kind, Kind::Typing | Kind::Reply) {
                    if self.last.len() == 64 {
                        self.last.remove(0);
                    }
                    self.last.push(made.clone());
                }
                return made;
            }
            Kind::Stale => {
                if self.last.len() < 64 {
                    let made = self.next(Kind::Message, request);
                    self.last.push(made.clone());
                    return made;
                }
                return self.rng.pick(&self.last).expect("one was just made").clone();
            }
        };
        self.made += 1;
        Composed { kind, bytes }
    }

    fn draw(&mut self) -> Kind {
        match self.rng.below(100) {
            0..60 => Kind::Message,
            60..85 => Kind::Roster,
            85..93 => Kind::Document,
            93..98 => Kind::Typing,
            _ => Kind::Reply,
        }
    }

    fn message(&mut self) -> Vec<u8> {
        let text = self.text();
        let attributes = if self.rng.below(2) == 0 {
            "{}".to_owned()
        } else {
            format!(r#"{{\"mood\":\"fine\",\"n\":{}}}"#, self.rng.below(1000))
        };
        let sid = format!("IM{:016x}{:016x}", self.rng.draw(), self.rng.draw());
        let (n, date) = (self.place(), self.date());
        let person = self.person(n);
        let room = &mut self.rooms[n];
        let (id, index) = (advance(&mut room.messages.last_event_id), room.next_index);
        room.next_index += 1;
        let (list, channel) = (&room.messages.sid, &room.sid);
        let (author, member) = (&room.people[person].identity, &room.people[person].sid);
        let payload = format!(
            r#"{{"event_type":"list_item_added","event_protocol_version":3,"event":{{"id":{id},"date_created":"{date}","created_by":"{author}","list_sid":"{list}","list_unique_name":"{channel}.messages","list_revision":"{id}","item_index":{index},"item_data":{{"sid":"{sid}","author":"{author}","text":"{text}","timestamp":"{date}","dateUpdated":"{date}","lastUpdatedBy":null,"attributes":"{attributes}","type":"text","memberSid":"{member}"}},"item_revision":"0"}},"strictly_ordered":false}}"#
        );
        self.notification("com.twilio.rtd.cds.list", &payload)
    }

    fn roster(&mut self) -> Vec<u8> {
        let (n, date) = (self.place(), self.date());
        let person = self.person(n);
        let room = &mut self.rooms[n];
        let (id, index) = (advance(&mut room.roster.last_event_id), room.next_index);
        let (map, channel) = (&room.roster.sid, &room.sid);
        let (identity, member) = (&room.people[person].identity, &room.people[person].sid);
        let payload = format!(
            r#"{{"event_type":"map_item_updated","event_protocol_version":3,"event":{{"id":{id},"date_created":"{date}","created_by":"{identity}","map_sid":"{map}","map_unique_name":"{channel}.roster","map_revision":"{id}","item_key":"{member}","item_url":"{SERVICE}/Maps/{map}/Items/{member}","item_data":{{"identity":"{identity}","type":"chat","roleSid":"RLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","attributes":"{{}}","userInfo":"USaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.info","lastConsumedMessageIndex":{index},"lastConsumptionTimestamp":"{date}"}},"item_revision":"{id}"}},"strictly_ordered":false}}"#
        );
        self.notification("com.twilio.rtd.cds.map", &payload)
    }

    fn document(&mut self) -> Vec<u8> {
        let (n, date) = (self.place(), self.date());
        let room = &mut self.rooms[n];
        let last = room.next_index.saturating_sub(1);
        let id = advance(&mut room.channel.last_event_id);
        let (document, channel) = (&room.channel.sid, &room.sid);
        let payload = format!(
            r#"{{"event_type":"document_updated","event_protocol_version":3,"event":{{"id":{id},"date_created":"{date}","created_by":"alice","document_sid":"{document}","document_unique_name":"{channel}.channel","document_revision":"{id}","document_data":{{"attributes":"{{\"topic\":\"all\",\"n\":{n}}}","createdBy":"seeder","dateCreated":"2023-11-14T22:13:21.000Z","dateUpdated":"2023-11-14T22:13:21.000Z","friendlyName":"seed {n:05}","uniqueName":"seed-{n:05}","type":"public","messages":"{channel}.messages","roster":"{channel}.roster","lastMessage":{{"index":{last},"timestamp":"{date}"}}}}}},"strictly_ordered":false}}"#
        );
        self.notification("com.twilio.rtd.cds.document", &payload)
    }

    fn typing(&mut self) -> Vec<u8> {
        let n = self.place();
        let person = self.person(n);
        let room = &self.rooms[n];
        let (channel, identity) = (&room.sid, &room.people[person].identity);
        let payload = format!(r#"{{"channel_sid":"{channel}","identity":"{identity}","typing_timeout":6}}"#);
        self.notification("twilio.ipmsg.typing_indicator", &payload)
    }

    /// An event that only moves the cursor (spec 02 §3.6).
    fn unknown(&mut self) -> Vec<u8> {
        let (n, date) = (self.place(), self.date());
        let text = self.text();
        let room = &mut self.rooms[n];
        let id = advance(&mut room.messages.last_event_id);
        let list = &room.messages.sid;
        let payload = format!(
            r#"{{"event_type":"list_item_starred","event_protocol_version":3,"event":{{"id":{id},"date_created":"{date}","created_by":"alice","list_sid":"{list}","list_revision":"{id}","item_index":1,"item_data":{{"text":"{text}"}},"item_revision":"0"}},"strictly_ordered":false}}"#
        );
        self.notification("com.twilio.rtd.cds.list", &payload)
    }

    /// The answer to a typing report, with eight HTTP headers.
    fn reply(&mut self, id: &str) -> Vec<u8> {
        let rooms = self.place();
        let payload = format!(
            r#"{{"typing_timeout":5,"channel_sid":"{}","service_sid":"IS00000000000000000000000000000001","url":"https://aim.twilio.com/v1/typing"}}"#,
            self.rooms[rooms].sid
        );
        let (request, date) = (self.rng.draw(), "Tue, 14 Nov 2023 22:13:20 GMT");
        let header = format!(
            r#"{{"method":"reply","id":"{id}","payload_size":{},"status":{{"code":200,"status":"OK"}},"payload_type":"application/json","http_headers":{{"server":"envoy","date":"{date}","content-type":"application/json;charset=utf-8","twilio-request-id":"RQ{request:032x}","x-shenanigans":"none","strict-transport-security":"max-age=31536000","x-envoy-upstream-service-time":"12","twilio-concurrent-requests":"1"}},"http_status":{{"code":200,"status":"OK"}}}}"#,
            payload.len()
        );
        whole(&header, &payload)
    }

    fn notification(&self, message_type: &str, payload: &str) -> Vec<u8> {
        let header = format!(
            r#"{{"method":"notification","id":"TMs-1-{:06}","payload_size":{},"payload_type":"application/json","message_type":"{message_type}","notification_ctx_id":"aa60adf0-f03f-410c-b99b-c93713d51691"}}"#,
            self.made,
            payload.len()
        );
        whole(&header, payload)
    }

    /// 80 to 200 characters; one in four has what JSON escapes, or what is not ASCII.
    fn text(&mut self) -> String {
        let length = usize::try_from(self.rng.range(80, 200)).expect("small");
        let mut text = String::new();
        while text.len() < length {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(self.rng.pick(&WORDS).expect("words"));
        }
        text.truncate(length);
        if self.rng.below(4) == 0 {
            let _ = write!(text, " {}", self.rng.pick(&SPECIAL).expect("words"));
        }
        text
    }

    /// Dates of one length.
    fn date(&self) -> String {
        let ms = self.made % 60_000;
        format!("2023-11-14T22:14:{:02}.{:03}Z", ms / 1000, ms % 1000)
    }

    fn place(&mut self) -> usize {
        self.rng.place(self.rooms.len()).expect("there are rooms")
    }

    fn person(&mut self, room: usize) -> usize {
        self.rng.place(self.rooms[room].people.len()).expect("there are people")
    }
}

fn advance(id: &mut i64) -> i64 {
    *id += 1;
    *id
}

/// A frame as the service ends it: with a line end that does not count.
fn whole(header: &str, payload: &str) -> Vec<u8> {
    let mut bytes = frame::encode(header, payload.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes
}
