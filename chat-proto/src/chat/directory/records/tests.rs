use super::*;

const CHANNEL: &str = r#"{"sid":"CH1","unique_name":"general","friendly_name":"General","attributes":"{\"a\":1}",
    "created_by":"alice","date_created":"2024-01-01T00:00:00.000Z","date_updated":"2024-01-02T00:00:00.000Z",
    "messages_count":7,"members_count":2,"type":"private","status":"notParticipating",
    "last_consumed_message_index":0,"notification_level":"muted","links":{"x":[]}}"#;

#[test]
fn a_channel_is_read_whole() {
    let channel = channel(CHANNEL.as_bytes()).unwrap();
    assert_eq!(channel.sid.as_str(), "CH1");
    assert_eq!(channel.status, ChannelStatus::Known);
    assert_eq!(channel.channel_type, ChannelType::Private);
    assert_eq!(channel.attributes, Json::parse(r#"{"a":1}"#).unwrap());
    assert_eq!(channel.created_by, Some("alice".into()));
    assert_eq!(channel.date_created, Timestamp::parse("2024-01-01"));
    assert_eq!(channel.date_updated, Timestamp::parse("2024-01-02"));
    assert_eq!(
        (channel.unique_name.as_deref(), channel.friendly_name.as_deref()),
        (Some("general"), Some("General"))
    );
    assert_eq!((channel.messages_count, channel.members_count), (7, 2));
    assert_eq!(channel.last_consumed_message_index, Some(0));
    assert_eq!(channel.notification_level, Some(NotificationLevel::Muted));
}

#[test]
fn strange_fields_count_as_absent() {
    let channel = channel(
        br#"{"channel_sid":"CH1","unique_name":5,"friendly_name":null,"attributes":"{","created_by":{},"date_created":"soon",
            "messages_count":-1,"members_count":"2","type":7,"status":"odd","last_consumed_message_index":1.5,
            "notification_level":""}"#,
    )
    .unwrap();
    assert_eq!(channel.status, ChannelStatus::Unknown);
    assert_eq!(channel.channel_type, ChannelType::Public);
    assert_eq!(channel.attributes, Json::empty_object());
    assert_eq!((channel.unique_name, channel.friendly_name, channel.created_by), (None, None, None));
    assert_eq!((channel.messages_count, channel.members_count), (0, 0));
    assert_eq!(
        (channel.date_created, channel.last_consumed_message_index, channel.notification_level),
        (None, None, None)
    );
}

#[test]
fn pages_lead_on_by_their_own_names() {
    let body = alloc::format!(
        r#"{{"channels":[{CHANNEL}],"meta":{{"previous_token":"p","next_token":"n","prev_token":"wrong"}}}}"#
    );
    let page = public_channels(body.as_bytes()).unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.next, Some(PageRef { source: PageSource::PublicChannels, token: "n".into() }));
    assert_eq!(page.prev, Some(PageRef { source: PageSource::PublicChannels, token: "p".into() }));

    let page = user_channels(br#"{"channels":[],"meta":{"previous_token":"","next_token":null}}"#).unwrap();
    assert_eq!((page.next, page.prev), (None, None));
    assert_eq!(user_channels(br#"{"channels":[]}"#).unwrap().next, None);

    let sid = ChannelSid::from("CH1");
    let body = br#"{"users":[{"identity":"bob","is_online":true}],"meta":{"previous_token":"wrong","prev_token":"p"}}"#;
    let page = channel_users(body, &sid).unwrap();
    assert_eq!(
        page.prev,
        Some(PageRef { source: PageSource::ChannelUsers { channel: sid }, token: "p".into() })
    );
    assert_eq!(page.next, None);
}

#[test]
fn the_list_of_own_channels_leaves_out_what_has_no_name() {
    let page = sync_list(
        br#"{"channels":[{"channel_sid":"CH1","status":"joined","channel":"CH1.channel","messages":"m","roster":"r",
            "last_consumed_message_index":3,"notification_level":"default"},{"status":"joined"},7,
            {"channel_sid":"CH2","channel":"CH2.channel","status":"invited","last_consumed_message_index":null}],
            "meta":{"next_token":"n"}}"#,
    )
    .unwrap();
    assert_eq!((page.unreadable, page.next.as_deref()), (2, Some("n")));
    let [first, second] = &page.entries[..] else { panic!("{page:?}") };
    assert_eq!(
        (first.channel.as_str(), &*first.document, first.status),
        ("CH1", "CH1.channel", ChannelStatus::Joined)
    );
    assert_eq!(
        (first.last_consumed_message_index, first.notification_level),
        (Some(3), Some(NotificationLevel::Default))
    );
    assert_eq!((second.status, second.last_consumed_message_index), (ChannelStatus::Invited, None));
}

#[test]
fn users_are_read() {
    let user = user(
        br#"{"identity":"bob","friendly_name":"Bob","attributes":"[1]","is_online":true,"is_notifiable":null,
            "sync_unique_name":"US1.info"}"#,
    )
    .unwrap();
    assert_eq!((user.identity.as_str(), user.friendly_name.as_deref()), ("bob", Some("Bob")));
    assert_eq!(user.attributes, Json::parse("[1]").unwrap());
    assert_eq!((user.online, user.notifiable), (Some(true), None));
    assert_eq!(user.sync_unique_name.as_deref(), Some("US1.info"));
}

#[test]
fn unread_counts() {
    let sid = ChannelSid::from("CH1");
    let count = |body: &str| unread_count(body.as_bytes(), &sid);
    assert_eq!(
        count(r#"{"channels":[{"channel_sid":"CH1","unread_messages_count":4}]}"#),
        Ok(UnreadCount::Known(4))
    );
    assert_eq!(
        count(r#"{"channels":[{"channel_sid":"CH1","unread_messages_count":null}]}"#),
        Ok(UnreadCount::Unknown)
    );
    for body in [r#"{"channels":[]}"#, r#"{"channels":[{"channel_sid":"CH2","unread_messages_count":4}]}"#] {
        assert_eq!(count(body), Err(CallError::UnknownChannel(sid.clone())));
    }
}

#[test]
fn unreadable_bodies_are_typed_errors() {
    let sid = ChannelSid::from("CH1");
    for body in
        ["", "null", "[]", "{", "{}x", r#"{"channels":{}}"#, r#"{"channels":[{}]}"#, r#"{"users":[{}]}"#]
    {
        let body = body.as_bytes();
        let errors = [
            public_channels(body).err(),
            user_channels(body).err(),
            channel(body).err(),
            user(body).err(),
            channel_users(body, &sid).err(),
            unread_count(body, &sid).err(),
        ];
        for error in errors {
            assert!(
                matches!(error, Some(CallError::BadAnswer(_) | CallError::UnknownChannel(_))),
                "{error:?}"
            );
        }
    }
    // What an answer holds is not quoted, nor are our types named.
    for body in [r#""a private text""#, r#"{"channels":"a private text"}"#] {
        let Err(CallError::BadAnswer(text)) = user_channels(body.as_bytes()) else { panic!("{body}") };
        assert!(text.starts_with("page of channels: unexpected type or value (line 1"), "{text}");
    }
    for body in ["", "null", r#"{"channels":7}"#] {
        assert!(matches!(sync_list(body.as_bytes()), Err(CallError::BadAnswer(_))));
    }
}
