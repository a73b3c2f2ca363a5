use chat_proto::{
    Call, CallOptions, ChannelSid, Command, Config, Event, Frame, Input, Network, Record, Seed, Token,
};
use proptest::prelude::*;

use super::*;

fn header() -> Header {
    let token = Token::new("a.b.c").unwrap();
    Header::new("a test", [ClientHeader::new(&Config::default(), &token, &Seed::from_number(1), Time::ZERO)])
}

/// A link: only clients make them.
fn link() -> chat_proto::LinkId {
    serde_json::from_str("1").unwrap()
}

fn session() -> SessionFile {
    let open: Record = Command::Open { link: link(), url: "ws://x".into() }.into();
    let entries = [
        What::Record(open),
        What::Record((&Input::Network(Network::Online)).into()),
        What::Note("a remark".into()),
        What::Record(Event::Ready.into()),
    ];
    SessionFile::new(header(), entries.map(|what| (Time::from_millis(5), 0, what)))
}

fn read(text: &str) -> Opened {
    parse(text.as_bytes()).unwrap()
}

/// Where a damaged text stops, and what is said of it.
fn damage(text: &str) -> (usize, String) {
    let opened = read(text);
    (opened.session.entries.len(), opened.damage.map(|damage| damage.to_string()).unwrap_or_default())
}

#[test]
fn a_session_survives() {
    let session = session();
    let text = session.to_text();
    let opened = read(&text);
    assert!(opened.damage.is_none(), "{:?}", opened.damage);
    assert_eq!(opened.session.header.clients, session.header.clients);
    assert_eq!(opened.session.entries, session.entries);
    assert!(opened.session.ended);
    assert_eq!(opened.session.to_text(), text);
}

#[test]
fn a_cut_file_gives_all_before_the_cut() {
    let text = session().to_text();
    let lines: Vec<&str> = text.lines().collect();
    let cut = text.len() - lines[5].len() - 1 - 10;
    assert_eq!(
        damage(&text[..cut]),
        (3, format!("line 5: the file is cut off after {} bytes of this line", lines[4].len() - 9))
    );
    // Cut between lines: whole, but it does not say that it ended.
    let opened = read(&(lines[..4].join("\n") + "\n"));
    assert!(opened.damage.is_none() && !opened.session.ended);
    assert_eq!(opened.session.entries.len(), 3);
}

#[test]
fn an_edited_line_is_named() {
    let text = session().to_text();
    let (before, said) = damage(&text.replace("Network", "Netwrok"));
    assert_eq!(before, 1);
    assert!(said.starts_with("line 3: unknown variant `Netwrok`") && said.contains("at column"), "{said}");
    let (before, said) = damage(&text.replace(r#""client":0,"note""#, r#""client":4,"note""#));
    assert_eq!((before, said.as_str()), (2, "line 4: there is no client 4 in the header"));
    let (before, said) = damage(&text.replace(r#""at":5,"client":0,"note""#, r#""client":0,"note""#));
    assert_eq!((before, said.as_str()), (2, "line 4: it has no time (`at`)"));
    let (before, said) = damage(&text.replace(r#""end":true"#, r#""end":true,"note":"x""#));
    assert_eq!(before, 4);
    assert!(said.starts_with("line 6: it needs"), "{said}");
    let (_, said) = damage(&text.replace(r#""n":3,"#, r#""n":3,"m":3,"#));
    assert!(said.starts_with("line 3: unknown field `m`"), "{said}");
    let (before, said) = damage(&(text.clone() + "{\"n\":7}\n"));
    assert_eq!((before, said.as_str()), (4, "line 7: the recording ended on the line before"));
}

#[test]
fn lost_doubled_and_swapped_lines_are_named() {
    let text = session().to_text();
    let lines: Vec<&str> = text.lines().collect();
    let with = |order: &[usize]| order.iter().flat_map(|n| [lines[n - 1], "\n"]).collect::<String>();
    let wrong =
        |line, said| format!("line {line} says that it is line {said}: lines were lost, doubled or swapped");
    assert_eq!(damage(&with(&[1, 2, 4, 5, 6])), (1, wrong(3, 4)));
    assert_eq!(damage(&with(&[1, 2, 2, 3])), (1, wrong(3, 2)));
    assert_eq!(damage(&with(&[1, 3, 2, 4])), (0, wrong(2, 3)));
}

#[test]
fn other_files_are_refused() {
    let error = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(error(""), "line 1: this is no session file: it is empty");
    assert!(
        error("hello\n").starts_with("line 1: this is no session file: this is no JSON: expected value"),
        "{}",
        error("hello\n")
    );
    let text = session().to_text();
    assert_eq!(
        error(&text.replace(r#""version":1"#, r#""version":2"#)),
        r#"line 1: "chat-session" version 2 cannot be read, only "chat-session" version 1"#
    );
    assert!(error(&text.replace("\"format\":\"chat-session\",", "")).contains("missing field `format`"));
    assert!(error(&text.replacen("\"n\":1,", "", 1)).contains("it does not say that it is line 1"));
}

#[test]
fn frames_in_the_plain_form_are_a_wire_session() {
    // {"grants":{"identity":"alice"}}
    let header = r#"{"method":"init","token":"e30.eyJncmFudHMiOnsiaWRlbnRpdHkiOiJhbGljZSJ9fQ."}"#;
    let init = String::from_utf8(chat_proto::frame::encode(header, b"")).unwrap();
    let init = serde_json::to_string(&init).unwrap();
    let text = format!(
        "{{\"t_ms\":1.6,\"conn\":1,\"dir\":\"meta\",\"text\":\"open\"}}\n{{\"t_ms\":2,\"conn\":1,\"dir\":\"c2s\",\"text\":{init}}}\n\
         {{\"t_ms\":3,\"conn\":1,\"dir\":\"s2c\",\"base64\":\"/w==\"}}\n{{\"t_ms\":4,\"conn\":1,\"dir\":\"meta\",\"text\":\"close 1005\"}}\n"
    );
    let session = from_plain(text.as_bytes()).unwrap();
    let wires: Vec<_> =
        session.entries.iter().map(|entry| (entry.at.as_millis(), entry.line, &entry.what)).collect();
    assert_eq!(wires[0], (2, 1, &What::Wire(Wire::Opened)));
    assert_eq!(wires[1], (2, 2, &What::Wire(Wire::Identity("alice".into()))));
    assert_eq!(wires[3].2, &What::Wire(Wire::FromService(chat_proto::FrameRecord::Binary(vec![0xff]))));
    assert_eq!(wires[4].2, &What::Wire(Wire::Closed(Some(1005))));
    let damaged = text.replace("s2c", "s3c");
    assert!(from_plain(damaged.as_bytes()).unwrap_err().to_string().starts_with("line 3: unknown variant"));
    assert_eq!(read(&damaged).session.entries.len(), 3);
}

fn some_input() -> impl Strategy<Value = Record> {
    let frame = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60)
            .prop_map(|bytes| Record::from(&Input::Frame(link(), Frame::Binary(&bytes)))),
        "[ -~é\r\n\"\\\\]{0,40}"
            .prop_map(|text| Record::from(&Input::Frame(link(), Frame::Binary(text.as_bytes())))),
        "[ -~é]{0,20}".prop_map(|text| Record::from(&Input::Frame(link(), Frame::Text(&text)))),
    ];
    prop_oneof![
        frame,
        Just(Record::from(&Input::Tick)),
        "[a-zA-Z0-9]{1,9}".prop_map(|sid| Record::Call {
            id: None,
            call: Call::Join(ChannelSid::new(&*sid)).into(),
            options: CallOptions::default(),
            refused: None,
        }),
    ]
}

proptest! {
    /// Law 9.
    #[test]
    fn sessions_survive_decode_encode_decode(
        records in proptest::collection::vec((any::<u32>(), some_input()), 0..12), ended in any::<bool>(),
    ) {
        let entries = records.into_iter().map(|(at, record)| (Time::from_millis(at.into()), 0, What::Record(record)));
        let mut session = SessionFile::new(header(), entries);
        session.ended = ended;
        let text = session.to_text();
        let once = read(&text);
        prop_assert!(once.damage.is_none());
        prop_assert_eq!(&once.session.to_text(), &text);
        prop_assert_eq!(&read(&text).session, &once.session);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..900) {
        let _ = parse(&bytes);
        let mut text = session().to_text().into_bytes();
        let at = at.min(text.len());
        text.splice(at..at, bytes);
        let _ = parse(&text);
    }
}
