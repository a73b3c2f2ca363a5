//! The typed methods, properties and events of the client, each against the offline service (spec 04 §1 to §6).

use std::time::Duration;

use chat_smol::{
    CallError, ChannelReason, ChannelSorting, ChannelStatus, ChannelType, Client, Collation, ConnectionState,
    CreateChannel, Direction, Error, Event, GetSubscribedChannels, Json, MemberReason, MessageReason,
    Network, NotificationLevel, Paginator, SortingCriteria, SortingOrder, StreamExt, UnreadCount, UserReason,
};
use chat_testkit::serve::Server;
use serde_json::{Value, json};

#[path = "support/people.rs"]
mod people;

use people::{client, join, named, run, service, token, told};

fn json(value: &Value) -> Json {
    Json::from_value(value).unwrap()
}

async fn seed(server: &Server, arguments: Value) {
    server.admin("seed", arguments).await.unwrap();
}

/// Two people in one channel.
async fn pair(server: &Server) -> (Client, Client, chat_smol::Channel, chat_smol::Channel) {
    let (alice, bob) = (client(server, "alice").await, client(server, "bob").await);
    let channel = join(&alice.create_channel(named("pair")).await.unwrap()).await;
    let bobs = join(&bob.get_channel_by_sid(channel.sid.clone()).await.unwrap()).await;
    if channel.members().len() < 2 {
        let mut events = channel.events();
        if channel.members().len() < 2 {
            told!(events, Event::MemberJoined(_));
        }
    }
    (alice, bob, channel, bobs)
}

#[test]
fn client_properties() {
    run(async {
        let server = service(json!({}));
        let alice = client(&server, "alice").await;
        assert_eq!(alice.connection_state(), ConnectionState::Connected);
        assert_eq!(alice.reachability_enabled(), Some(true));
        assert_eq!(alice.version(), env!("CARGO_PKG_VERSION"));
        assert_eq!(alice.get_user("alice").await.unwrap().identity.as_str(), "alice");
        assert_eq!(alice.user().unwrap().identity, alice.identity().unwrap());
        let mut events = alice.events();
        alice.update_token(token(&server, "alice").await).await.unwrap();
        assert!(matches!(alice.update_token(" ").await, Err(Error::BadToken(_))));
        server.admin("tokenAboutToExpire", json!({ "identity": "alice" })).await.unwrap();
        told!(events, Event::TokenAboutToExpire);
        server.admin("expireToken", json!({ "identity": "alice", "close": 410 })).await.unwrap();
        told!(events, Event::TokenExpired);
        told!(events, Event::ConnectionStateChanged(ConnectionState::Disconnected));
        alice.update_token(token(&server, "alice").await).await.unwrap();
        told!(events, Event::ConnectionStateChanged(ConnectionState::Connected));
        server.admin("close", json!({ "identity": "alice", "code": 401, "errorCode": 20101 })).await.unwrap();
        let error = told!(events, Event::ConnectionError(error) => error);
        assert_eq!((error.terminal, error.http_status, error.error_code), (true, Some(401), Some(20101)));
        told!(events, Event::ConnectionStateChanged(ConnectionState::Disconnected));
        alice.update_token(token(&server, "alice").await).await.unwrap();
        told!(events, Event::ConnectionStateChanged(ConnectionState::Connected));
        alice.network(Network::Changed);
        told!(events, Event::ConnectionStateChanged(ConnectionState::Connecting));
        told!(events, Event::ConnectionStateChanged(ConnectionState::Connected));
        alice.shutdown().await;
        assert_eq!(alice.connection_state(), ConnectionState::Disconnected);
        assert!(matches!(alice.get_user("bob").await, Err(Error::Ended)));
    });
}

#[test]
fn channels_are_created_found_and_listed() {
    run(async {
        let server = service(json!({ "restPageSize": 2 }));
        seed(&server, json!({ "channels": 3, "identity": "zoe", "creator": "zoe", "prefix": "pub" })).await;
        let own = json!({ "channels": 3, "identity": "alice", "creator": "zoe", "prefix": "own", "type": "private" });
        seed(&server, own).await;
        let alice = client(&server, "alice").await;
        let subscribed = alice.get_subscribed_channels().await.unwrap();
        assert_eq!(
            (subscribed.items().len(), subscribed.has_next_page(), subscribed.has_prev_page()),
            (3, false, false)
        );
        let two = GetSubscribedChannels { page_size: 2, order: SortingOrder::Descending };
        let page = alice.get_subscribed_channels_with(two).await.unwrap();
        assert_eq!((page.items().len(), page.has_next_page()), (2, true));
        assert_eq!(page.items()[0].sid, subscribed.items()[2].sid);
        let none = GetSubscribedChannels { page_size: 0, ..two };
        assert!(alice.get_subscribed_channels_with(none).await.is_err());

        let attributes = json(&json!({ "topic": "tea" }));
        let options = CreateChannel { attributes: attributes.clone(), is_private: true, ..named("tea") };
        let mut events = alice.events();
        let tea = alice.create_channel(options).await.unwrap();
        assert_eq!(
            told!(events, Event::ChannelAdded(channel) if channel.sid == tea.sid => channel),
            *tea.snapshot()
        );
        assert_eq!(
            (tea.channel_type, tea.is_private(), tea.status),
            (ChannelType::Private, true, ChannelStatus::Known)
        );
        assert_eq!((tea.unique_name.as_deref(), tea.friendly_name.as_deref()), (Some("tea"), Some("tea")));
        assert_eq!(tea.created_by.as_ref().unwrap().as_str(), "alice");
        assert!(tea.date_created.is_some() && tea.date_updated.is_some());
        assert_eq!((&tea.attributes, tea.state, tea.last_message), (&attributes, None, None));
        assert_eq!(alice.get_channel_by_sid(tea.sid.clone()).await.unwrap(), tea);
        assert_eq!(alice.local_channel(&tea.sid).unwrap(), tea);

        let mut public: Paginator<_> = alice.get_public_channel_descriptors().await.unwrap();
        assert!(public.items().iter().all(|item| item.status == ChannelStatus::Unknown));
        public = public.next_page().await.unwrap();
        assert!(public.has_prev_page() && !public.has_next_page());
        let first = &public.prev_page().await.unwrap().into_items()[0];
        assert_eq!((first.messages_count, first.members_count), (0, 1));
        assert_eq!((first.channel_type, first.is_private()), (ChannelType::Public, false));
        assert_eq!((first.last_consumed_message_index, first.notification_level), (None, None));
        assert_eq!(
            (first.unique_name.as_deref(), first.friendly_name.as_deref()),
            (Some("pub-00000"), Some("pub 00000"))
        );
        assert_eq!(first.created_by.as_ref().unwrap().as_str(), "zoe");
        assert_eq!(first.attributes, json(&json!({ "n": 0 })));
        assert!(first.date_created.is_some() && first.date_updated.is_some());
        let channel = first.get_channel().await.unwrap();
        assert_eq!(channel.sid, first.sid);
        let by_name = alice.get_channel_by_unique_name("pub-00000").await.unwrap();
        assert_eq!(by_name.sid, channel.sid);

        let mine = alice.get_user_channel_descriptors().await.unwrap();
        let mine: Vec<_> = mine.into_stream().map(Result::unwrap).collect().await;
        assert_eq!(mine.iter().filter(|item| item.status == ChannelStatus::Joined).count(), 3);

        let by_name =
            ChannelSorting { criteria: SortingCriteria::UniqueName, order: SortingOrder::Descending };
        let names = |channels: Vec<chat_smol::Channel>| -> Vec<String> {
            channels.iter().filter_map(|channel| channel.unique_name.as_deref().map(Into::into)).collect()
        };
        let expected = ["tea", "pub-00000", "own-00002", "own-00001", "own-00000"];
        assert_eq!(names(alice.get_local_channels(by_name).await.unwrap()), expected);
        assert_eq!(names(alice.local_channels_sorted(by_name, &Collation::new("en").unwrap())), expected);
        assert_eq!(alice.get_local_channels(None).await.unwrap().len(), 5);
        alice.shutdown().await;
    });
}

#[test]
fn a_channel_is_changed_and_deleted() {
    run(async {
        let server = service(json!({}));
        let (alice, bob, channel, bobs) = pair(&server).await;
        let mut events = bobs.events();
        assert_eq!(channel.last_consumed_message_index, None);
        channel.update_attributes(json(&json!({ "a": 1 }))).await.unwrap();
        let updated = told!(events, Event::ChannelUpdated { channel, reasons } if reasons.contains(ChannelReason::Attributes) => channel);
        assert_eq!(updated.attributes, json(&json!({ "a": 1 })));
        assert_eq!(bobs.get_attributes().await.unwrap(), updated.attributes);
        let renamed = channel.update_friendly_name(Some("Tea")).await.unwrap();
        assert_eq!(renamed.friendly_name.as_deref(), Some("Tea"));
        told!(events, Event::ChannelUpdated { reasons, .. } if reasons.contains(ChannelReason::FriendlyName));
        let renamed = channel.update_unique_name(None).await.unwrap();
        assert_eq!(renamed.unique_name, None);
        told!(events, Event::ChannelUpdated { reasons, .. } if reasons.contains(ChannelReason::UniqueName));
        bobs.set_user_notification_level(NotificationLevel::Muted).await.unwrap();
        let muted = told!(events, Event::ChannelUpdated { channel, reasons } if reasons.contains(ChannelReason::NotificationLevel) => channel);
        assert_eq!(muted.notification_level, Some(NotificationLevel::Muted));

        channel.send_message("one", Json::default()).await.unwrap();
        let said = told!(events, Event::ChannelUpdated { channel, reasons } if reasons.contains(ChannelReason::LastMessage) => channel);
        let last = said.last_message.unwrap();
        assert!(last.index == Some(0) && last.timestamp.is_some());

        let mut all = bob.events();
        channel.delete().await.unwrap();
        assert_eq!(told!(all, Event::ChannelRemoved(channel) => channel).sid, channel.sid);
        assert_eq!(bobs.latest(), None);
        alice.shutdown().await;
        bob.shutdown().await;
    });
}

#[test]
fn people_come_and_go() {
    run(async {
        let server = service(json!({}));
        let (alice, bob) = (client(&server, "alice").await, client(&server, "bob").await);
        let channel = join(&alice.create_channel(named("door")).await.unwrap()).await;
        let (mut events, mut bobs_events) = (channel.events(), bob.events());

        channel.invite("bob").await.unwrap();
        let invited = bob.bind(told!(bobs_events, Event::ChannelInvited(channel) => channel));
        assert_eq!(invited.status, ChannelStatus::Invited);
        invited.decline().await.unwrap();
        told!(bobs_events, Event::ChannelLeft(_));

        channel.add("bob").await.unwrap();
        let bobs = bob.bind(told!(bobs_events, Event::ChannelJoined(channel) => channel));
        let member = alice.bind(
            told!(events, Event::MemberJoined(member) if member.identity == Some("bob".into()) => member),
        );
        assert_eq!(channel.get_member_by_identity("bob").await.unwrap().sid, member.sid);
        assert_eq!(channel.get_member_by_sid(member.sid.clone()).await.unwrap().sid, member.sid);
        assert!(matches!(
            channel.get_member_by_identity("eve").await,
            Err(Error::Call(CallError::UnknownMember(_)))
        ));
        assert_eq!(channel.get_members().await.unwrap().len(), 2);
        assert_eq!(channel.get_members_count().await.unwrap(), 2);
        let listed = channel.get_user_descriptors().await.unwrap();
        assert_eq!(listed.items().iter().filter(|user| user.identity.as_str() == "bob").count(), 1);

        bobs.leave().await.unwrap();
        let left = told!(events, Event::MemberLeft(member) => member);
        assert_eq!(left.sid, member.sid);
        for by_member in [false, true] {
            channel.add("bob").await.unwrap();
            let member = told!(events, Event::MemberJoined(member) => member);
            if by_member {
                alice.bind(member).remove().await.unwrap();
            } else {
                channel.remove_member("bob").await.unwrap();
            }
            assert_eq!(told!(events, Event::MemberLeft(member) => member).identity, Some("bob".into()));
        }
        alice.shutdown().await;
        bob.shutdown().await;
    });
}

#[test]
fn a_member_is_described_and_types() {
    run(async {
        let server = service(json!({ "typingTimeout": 1 }));
        let (alice, bob, channel, bobs) = pair(&server).await;
        let mut events = channel.events();
        let me = bobs.get_member_by_identity("bob").await.unwrap();
        assert_eq!(me.channel, channel.sid);
        assert!(me.role_sid.is_some() && me.date_created.is_some() && !me.is_typing);
        assert_eq!(
            (me.member_type, me.last_consumed_message_index),
            (chat_smol::proto::MemberType::Chat, None)
        );
        me.update_attributes(json(&json!({ "nick": "b" }))).await.unwrap();
        let seen = told!(events, Event::MemberUpdated { member, reasons } if reasons.contains(MemberReason::Attributes) => member);
        assert_eq!(seen.attributes, json(&json!({ "nick": "b" })));
        assert!(seen.date_updated.is_some());

        bobs.typing().await.unwrap();
        assert!(told!(events, Event::TypingStarted(member) => member).is_typing);
        assert!(!told!(events, Event::TypingEnded(member) => member).is_typing);

        let bob_seen = alice.bind(seen);
        assert_eq!(bob_seen.get_user().await.unwrap().identity.as_str(), "bob");
        assert_eq!(bob_seen.get_user_descriptor().await.unwrap().identity.as_str(), "bob");

        channel.send_message("read me", Json::default()).await.unwrap();
        bobs.advance_last_consumed_message_index(0).await.unwrap();
        let read = told!(events, Event::MemberUpdated { member, reasons } if reasons.contains(MemberReason::LastConsumedMessageIndex) => member);
        assert_eq!(read.last_consumed_message_index, Some(0));
        assert!(read.last_consumption_timestamp.is_some());
        assert_eq!(alice.bind(read).latest().unwrap().last_consumed_message_index, Some(0));
        alice.shutdown().await;
        bob.shutdown().await;
    });
}

#[test]
fn messages_are_sent_read_changed_and_removed() {
    run(async {
        let server = service(json!({}));
        let (alice, bob, channel, bobs) = pair(&server).await;
        let mut events = bobs.events();
        for i in 0..5 {
            let index = channel.send_message(format!("m{i}"), json(&json!({ "i": i }))).await.unwrap();
            assert_eq!(index, Some(i));
        }
        assert_eq!(channel.send_attributes(json(&json!({ "only": true }))).await.unwrap(), Some(5));
        let first = told!(events, Event::MessageAdded(message) => message);
        assert_eq!((first.index, first.body.as_deref()), (0, Some("m0")));
        assert_eq!((first.message_type, &first.media), (chat_smol::proto::MessageType::Text, &None));
        assert_eq!((&first.channel, first.author.as_ref().unwrap().as_str()), (&channel.sid, "alice"));
        assert!(first.timestamp.is_some() && first.date_updated.is_some() && first.last_updated_by.is_none());
        told!(events, Event::MessageAdded(message) if message.index == 5);

        let page = channel.get_messages(2, None, Direction::Backwards).await.unwrap();
        assert_eq!(page.items().iter().map(|message| message.index).collect::<Vec<_>>(), [4, 5]);
        assert!(page.has_prev_page() && !page.has_next_page());
        assert!(matches!(page.next_page().await, Err(Error::NoSuchPage)));
        let before = page.prev_page().await.unwrap();
        assert_eq!(before.items().iter().map(|message| message.index).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(before.next_page().await.unwrap().items()[0].index, 4);
        assert_eq!(channel.get_messages_count().await.unwrap(), 6);

        let message = channel.messages().remove(0);
        let author = message.get_member().await.unwrap();
        assert_eq!(Some(&author.sid), message.member_sid.as_ref());
        message.update_body("m0!").await.unwrap();
        let changed = told!(events, Event::MessageUpdated { message, reasons } if reasons.contains(MessageReason::Body) => message);
        assert_eq!(changed.last_updated_by.as_ref().unwrap().as_str(), "alice");
        message.update_attributes(json(&json!({ "i": "zero" }))).await.unwrap();
        let changed = told!(events, Event::MessageUpdated { message, reasons } if reasons.contains(MessageReason::Attributes) => message);
        assert_eq!(bob.bind(changed).latest().unwrap().attributes, json(&json!({ "i": "zero" })));
        let removed = message.remove().await.unwrap();
        assert_eq!(told!(events, Event::MessageRemoved(message) => message).sid, removed.sid);
        assert_eq!(message.latest(), None);
        alice.shutdown().await;
        bob.shutdown().await;
    });
}

#[test]
fn the_read_horizon_moves() {
    run(async {
        let server = service(json!({}));
        let (alice, bob, channel, bobs) = pair(&server).await;
        for _ in 0..4 {
            channel.send_message("x", Json::default()).await.unwrap();
        }
        let known = UnreadCount::Known;
        let mut events = bobs.events();
        assert_eq!(bobs.get_unconsumed_messages_count().await.unwrap(), UnreadCount::Unknown);
        assert_eq!(bobs.update_last_consumed_message_index(1).await.unwrap(), known(2));
        let moved = told!(events, Event::ChannelUpdated { channel, reasons } if reasons.contains(ChannelReason::LastConsumedMessageIndex) => channel);
        assert_eq!(moved.last_consumed_message_index, Some(1));
        assert_eq!(bobs.advance_last_consumed_message_index(0).await.unwrap(), known(2));
        assert_eq!(bobs.advance_last_consumed_message_index(2).await.unwrap(), known(1));
        assert_eq!(bobs.set_all_messages_consumed().await.unwrap(), known(0));
        smol::Timer::after(Duration::from_millis(5)).await;
        assert_eq!(bobs.get_unconsumed_messages_count().await.unwrap(), known(0));
        bobs.set_no_messages_consumed().await.unwrap();
        told!(events, Event::ChannelUpdated { channel, .. } if channel.last_consumed_message_index.is_none());
        alice.shutdown().await;
        bob.shutdown().await;
    });
}

#[test]
fn people_are_followed() {
    run(async {
        let server = service(json!({}));
        let (alice, bob) = (client(&server, "alice").await, client(&server, "bob").await);
        let mut events = alice.events();
        let listed = alice.get_user_descriptor("bob").await.unwrap();
        assert_eq!(
            (listed.identity.as_str(), listed.online, listed.notifiable),
            ("bob", Some(true), Some(false))
        );
        assert_eq!((&listed.friendly_name, &listed.attributes), (&None, &Json::default()));
        let seen = listed.subscribe().await.unwrap();
        assert!(seen.is_subscribed);
        told!(events, Event::UserSubscribed(user) if user.identity.as_str() == "bob");
        assert_eq!(alice.get_user("bob").await.unwrap(), seen);
        let followed: Vec<_> =
            alice.get_subscribed_users().await.unwrap().iter().map(|user| user.identity.clone()).collect();
        assert_eq!(followed, ["alice".into(), "bob".into()]);

        let me = bob.get_user("bob").await.unwrap();
        me.update_friendly_name(Some("Bob")).await.unwrap();
        let named = told!(events, Event::UserUpdated { user, reasons } if reasons.contains(UserReason::FriendlyName) => user);
        assert_eq!(named.friendly_name.as_deref(), Some("Bob"));
        me.update_attributes(json(&json!({ "mood": "good" }))).await.unwrap();
        told!(events, Event::UserUpdated { reasons, .. } if reasons.contains(UserReason::Attributes));
        let latest = seen.latest().unwrap();
        assert_eq!(
            (latest.attributes.clone(), latest.notifiable),
            (json(&json!({ "mood": "good" })), Some(false))
        );
        bob.shutdown().await;
        let gone = told!(events, Event::UserUpdated { user, reasons } if reasons.contains(UserReason::Online) => user);
        assert_eq!(gone.online, Some(false));

        seen.unsubscribe().await.unwrap();
        told!(events, Event::UserUnsubscribed(_));
        seen.unsubscribe().await.unwrap();
        let error = seen.update_friendly_name(None).await.unwrap_err();
        assert!(matches!(error.as_call_error(), Some(CallError::NotSubscribed(_))), "{error}");
        alice.shutdown().await;
    });
}

#[test]
fn refusals_have_a_code_and_a_text() {
    run(async {
        let server = service(json!({}));
        let (alice, bob, channel, bobs) = pair(&server).await;
        let error = bobs.delete().await.unwrap_err();
        match error.as_call_error() {
            Some(CallError::Session { code, message }) => {
                assert_eq!(*code, 403);
                assert!(error.to_string().contains(&**message), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert!(channel.latest().is_some());
        alice.shutdown().await;
        bob.shutdown().await;
    });
}
