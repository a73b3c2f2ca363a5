//! What each name of the API table is, here and there, and which tests use it. Each item is compiled: one that is renamed
//! does not pass unseen.

use std::future::Ready;

use chat_smol::proto::{self, Call};
use chat_smol::{
    CallError, Channel, ChannelDescriptor, ChannelReason, ChannelSorting, ChannelStatus, ChannelType, Client,
    Config, ConnectionState, CreateChannel, Error, Event, LogLevel, Media, Member, MemberReason, Message,
    MessageReason, NotificationLevel, Options, Paginator, PushChannel, PushNotification, Target, Transport,
    User, UserDescriptor, UserReason,
};

/// A name of the table.
pub(crate) struct Claim {
    /// Section and name.
    pub(crate) row: &'static str,
    /// What it is in chat-proto.
    pub(crate) core: &'static str,
    /// What it is in chat-smol.
    pub(crate) adapter: &'static str,
    /// The tests that use one of them.
    pub(crate) tests: &'static [&'static str],
}

/// What nobody documented and we do not offer, with the reason.
pub(crate) const NOT_OFFERED: &[(&str, &str)] = &[
    ("1.3 token", "the app gave it to the client; what is secret is not given out again (law 10)"),
    ("1.4 Sync", "there is no browser storage to switch off, and one region holds for all layers"),
    ("1.4 twilsockClient", "the layers are one core; what may be replaced is the transport below it"),
    ("1.4 notificationsClient", "the layers are one core; what may be replaced is the transport below it"),
    ("1.4 syncClient", "the layers are one core; what may be replaced is the transport below it"),
    ("1.4 productId", "forced to `ip_messaging` by the SDK too, whatever is given"),
    ("1.4 initRegistrations", "the notification types are part of the protocol and not for an app to choose"),
    ("1.4 tweaks", "switches of the SDK's transport without a meaning outside of it"),
    ("3 channel", "the name of a Sync document, derived from the SID; the client opens it itself"),
    ("3 descriptor", "the raw record, of which every member is a field already"),
    ("3 client", "the object holds its client; it is not a part of the record"),
];

macro_rules! field {
    ($type:ty, $field:ident) => {
        |it: &$type| {
            let _ = &it.$field;
        }
    };
}

macro_rules! event {
    ($pattern:pat) => {{
        use Event::*;
        |it: &Event| matches!(it, $pattern)
    }};
}

macro_rules! claims {
    ($($row:literal: $core:expr; $adapter:expr; $($test:ident),+;)*) => {
        vec![$({
            let _ = $core;
            let _ = $adapter;
            Claim { row: $row, core: stringify!($core), adapter: stringify!($adapter), tests: &[$(stringify!($test)),+] }
        }),*]
    };
}

#[rustfmt::skip]
#[allow(clippy::wildcard_imports, clippy::enum_glob_use, clippy::too_many_lines, reason = "a table")]
pub(crate) fn claims() -> Vec<Claim> {
    claims! {
        "1.1 create": proto::Client::new; |token: Box<str>, options| drop(Client::create(token, options)); two_people_talk, the_first_token_may_come_from_the_provider;
        "1.1 version": field!(proto::Metadata, sdk_version); |it: &Client| it.version(); client_properties;
        "1.2 createChannel": Call::CreateChannel; |it: &Client, options| it.create_channel(options); channels_are_created_found_and_listed, s02;
        "1.2 getChannelBySid": Call::GetChannelBySid; |it: &Client, sid: &str| it.get_channel_by_sid(sid); channels_are_created_found_and_listed, s05;
        "1.2 getChannelByUniqueName": Call::GetChannelByUniqueName; |it: &Client, name: &str| it.get_channel_by_unique_name(name); channels_are_created_found_and_listed, s05;
        "1.2 getLocalChannels": Call::GetLocalChannels; |it: &Client, sorting: Option<ChannelSorting>| it.get_local_channels(sorting); channels_are_created_found_and_listed, s11;
        "1.2 getPublicChannelDescriptors": Call::GetPublicChannelDescriptors; |it: &Client| it.get_public_channel_descriptors(); channels_are_created_found_and_listed, s05;
        "1.2 getSubscribedChannels": Call::GetSubscribedChannels; |it: &Client, options| it.get_subscribed_channels_with(options); channels_are_created_found_and_listed, s05;
        "1.2 getSubscribedUsers": Call::GetSubscribedUsers; |it: &Client| it.get_subscribed_users(); people_are_followed, s06;
        "1.2 getUser": Call::GetUser; |it: &Client, identity: &str| it.get_user(identity); people_are_followed, s06;
        "1.2 getUserChannelDescriptors": Call::GetUserChannelDescriptors; |it: &Client| it.get_user_channel_descriptors(); channels_are_created_found_and_listed, s05;
        "1.2 getUserDescriptor": Call::GetUserDescriptor; |it: &Client, identity: &str| it.get_user_descriptor(identity); people_are_followed, s06;
        "1.2 updateToken": Call::UpdateToken; |it: &Client, token: &str| it.update_token(token); client_properties;
        "1.2 shutdown": |until| Call::Shutdown { drain_until: until }; Client::shutdown; client_properties, shutting_down_ends_calls_and_streams;
        "1.3 connectionState": proto::State::connection; |it: &Client| it.connection_state(); client_properties, s01;
        "1.3 reachabilityEnabled": |it: &proto::State| it.reachability_enabled(); |it: &Client| it.reachability_enabled(); client_properties, s01;
        "1.3 user": |it: &proto::State| it.user().is_some(); |it: &Client| it.user(); client_properties, s01;
        "1.3 version": field!(proto::Metadata, sdk_version); |it: &Client| it.version(); client_properties;
        "1.4 logLevel": LogLevel::Silent; LogLevel::Trace; lines_tell_what_happens_and_no_secrets;
        "1.4 region": field!(Config, region); |it: Options| it.region("us1"); regions_and_endpoints_lead_elsewhere;
        "1.4 Chat": field!(proto::Endpoints, chat); |it: Options, config| it.config(config); regions_and_endpoints_lead_elsewhere;
        "1.4 IPMessaging": field!(proto::Endpoints, chat); |it: Options, config| it.config(config); regions_and_endpoints_lead_elsewhere;
        "1.4 typingIndicatorTimeoutOverride": field!(Config, typing_timeout); |it: Options, config| it.config(config); typing_ends_when_the_app_says;
        "1.4 consumptionReportIntervalOverride": field!(Config, consumption_report_interval); |it: Options, config| it.config(config); the_read_horizon_is_reported_as_often_as_the_app_says;
        "1.4 httpCacheIntervalOverride": field!(Config, http_cache_interval); |it: Options, config| it.config(config); answers_are_kept_as_long_as_the_app_says;
        "1.4 userInfosToSubscribeOverride": field!(Config, user_infos_to_subscribe); |it: Options, config| it.config(config); as_many_people_are_subscribed_as_the_app_says;
        "1.4 retryWhenThrottledOverride": field!(Config, retry_when_throttled); |it: Options, config| it.config(config); reads_are_repeated_as_the_app_says;
        "1.4 backoffConfigOverride": field!(Config, read_retry); |it: Options, config| it.config(config); reads_are_repeated_as_the_app_says;
        "1.4 cdsUri": field!(proto::Endpoints, sync); |it: Options, config| it.config(config); regions_and_endpoints_lead_elsewhere;
        "1.4 Twilsock.uri": field!(proto::Endpoints, twilsock); |it: Options| it.url("ws://localhost/"); regions_and_endpoints_lead_elsewhere;
        "1.4 twilsock.uri": field!(proto::Endpoints, twilsock); |it: Options| it.url("ws://localhost/"); regions_and_endpoints_lead_elsewhere;
        "1.4 clientMetadata": field!(Config, metadata); |it: Options, config| it.config(config); the_service_hears_what_the_client_is, metadata_is_honest;
        "1.4 transport": proto::Client::poll_command; |it: Options, connect: fn(Target) -> Ready<std::io::Result<Transport>>| it.connect(connect); people_talk_through_every_host, connectors_may_fail_in_their_own_way;
        "1.4 continuationToken": field!(Config, continuation_token); |it: Options, config| it.config(config); the_service_hears_what_the_client_is, row_12_the_newest_continuation_token_is_echoed;
        "1.4 retryPolicy": field!(Config, retry); |it: Options, config| it.config(config); what_the_wait_is_between_attempts;
        "1.5 channelAdded": event!(ChannelAdded(_)); |it: &Client| it.events(); channels_are_created_found_and_listed;
        "1.5 channelInvited": event!(ChannelInvited(_)); |it: &Client| it.events(); people_come_and_go;
        "1.5 channelJoined": event!(ChannelJoined(_)); |it: &Client| it.events(); people_come_and_go;
        "1.5 channelLeft": event!(ChannelLeft(_)); |it: &Client| it.events(); people_come_and_go;
        "1.5 channelRemoved": event!(ChannelRemoved(_)); |it: &Client| it.events(); a_channel_is_changed_and_deleted;
        "1.5 channelUpdated": event!(ChannelUpdated { channel: _, reasons: _ }); |it: &Client| it.events(); a_channel_is_changed_and_deleted;
        "1.5 connectionError": event!(ConnectionError(_)); |it: &Client| it.events(); client_properties;
        "1.5 connectionStateChanged": event!(ConnectionStateChanged(_)); |it: &Client| it.events(); client_properties;
        "1.5 memberJoined": event!(MemberJoined(_)); |it: &Client| it.events(); people_come_and_go;
        "1.5 memberLeft": event!(MemberLeft(_)); |it: &Client| it.events(); people_come_and_go;
        "1.5 memberUpdated": event!(MemberUpdated { member: _, reasons: _ }); |it: &Client| it.events(); a_member_is_described_and_types;
        "1.5 messageAdded": event!(MessageAdded(_)); |it: &Client| it.events(); messages_are_sent_read_changed_and_removed;
        "1.5 messageRemoved": event!(MessageRemoved(_)); |it: &Client| it.events(); messages_are_sent_read_changed_and_removed;
        "1.5 messageUpdated": event!(MessageUpdated { message: _, reasons: _ }); |it: &Client| it.events(); messages_are_sent_read_changed_and_removed;
        "1.5 tokenAboutToExpire": event!(TokenAboutToExpire); |it: &Client| it.events(); client_properties;
        "1.5 tokenExpired": event!(TokenExpired); |it: &Client| it.events(); client_properties;
        "1.5 typingStarted": event!(TypingStarted(_)); |it: &Client| it.events(); a_member_is_described_and_types;
        "1.5 typingEnded": event!(TypingEnded(_)); |it: &Client| it.events(); a_member_is_described_and_types;
        "1.5 userSubscribed": event!(UserSubscribed(_)); |it: &Client| it.events(); people_are_followed;
        "1.5 userUnsubscribed": event!(UserUnsubscribed(_)); |it: &Client| it.events(); people_are_followed;
        "1.5 userUpdated": event!(UserUpdated { user: _, reasons: _ }); |it: &Client| it.events(); people_are_followed;
        "1.6 ConnectionState": ConnectionState::Denied; |it: &Client| it.connection_state(); states_and_levels_have_the_words_of_the_table, client_properties;
        "1.6 CreateChannelOptions": field!(CreateChannel, is_private); field!(CreateChannel, attributes); channels_are_created_found_and_listed;
        "1.6 ChannelSortingOptions": field!(ChannelSorting, criteria); field!(ChannelSorting, order); channels_are_created_found_and_listed, s11, sorting_has_the_words_of_the_table;
        "1.6 ClientOptions": Config::default; |it: Options| it.log_level(LogLevel::Error); metadata_is_honest, lines_tell_what_happens_and_no_secrets;
        "2.1 add": Call::Add; |it: &Channel, identity: &str| it.add(identity); people_come_and_go, s03;
        "2.1 advanceLastConsumedMessageIndex": Call::AdvanceLastConsumedMessageIndex; |it: &Channel, index| it.advance_last_consumed_message_index(index); the_read_horizon_moves, s03;
        "2.1 decline": Call::Decline; |it: &Channel| it.decline(); people_come_and_go, s03;
        "2.1 delete": Call::DeleteChannel; |it: &Channel| it.delete(); a_channel_is_changed_and_deleted, s02;
        "2.1 getAttributes": Call::GetAttributes; |it: &Channel| it.get_attributes(); a_channel_is_changed_and_deleted;
        "2.1 getMemberByIdentity": Call::GetMember; |it: &Channel, identity: &str| it.get_member_by_identity(identity); people_come_and_go, s03;
        "2.1 getMemberBySid": Call::GetMember; |it: &Channel, sid: &str| it.get_member_by_sid(sid); people_come_and_go;
        "2.1 getMembers": Call::GetMembers; |it: &Channel| it.get_members(); people_come_and_go, s03;
        "2.1 getMembersCount": Call::GetMembersCount; |it: &Channel| it.get_members_count(); people_come_and_go, s05;
        "2.1 getMessages": Call::GetMessages; |it: &Channel, page_size, anchor: Option<u64>, direction| it.get_messages(page_size, anchor, direction); messages_are_sent_read_changed_and_removed, s02;
        "2.1 getMessagesCount": Call::GetMessagesCount; |it: &Channel| it.get_messages_count(); messages_are_sent_read_changed_and_removed, s05;
        "2.1 getUnconsumedMessagesCount": Call::GetUnconsumedMessagesCount; |it: &Channel| it.get_unconsumed_messages_count(); the_read_horizon_moves, s03;
        "2.1 getUserDescriptors": Call::GetUserDescriptors; |it: &Channel| it.get_user_descriptors(); people_come_and_go, s03;
        "2.1 invite": Call::Invite; |it: &Channel, identity: &str| it.invite(identity); people_come_and_go, s03;
        "2.1 join": Call::Join; |it: &Channel| it.join(); two_people_talk, s02;
        "2.1 leave": Call::Leave; |it: &Channel| it.leave(); people_come_and_go, s03;
        "2.1 removeMember": Call::RemoveMember; |it: &Channel, identity: &str| it.remove_member(identity); people_come_and_go;
        "2.1 sendMessage": Call::SendMessage; |it: &Channel, body: &str, attributes| it.send_message(body, attributes); messages_are_sent_read_changed_and_removed, s02;
        "2.1 setAllMessagesConsumed": Call::SetAllMessagesConsumed; |it: &Channel| it.set_all_messages_consumed(); the_read_horizon_moves, s03;
        "2.1 setNoMessagesConsumed": Call::SetNoMessagesConsumed; |it: &Channel| it.set_no_messages_consumed(); the_read_horizon_moves, s03;
        "2.1 setUserNotificationLevel": Call::SetUserNotificationLevel; |it: &Channel, level| it.set_user_notification_level(level); a_channel_is_changed_and_deleted, s02;
        "2.1 typing": Call::Typing; |it: &Channel| it.typing(); a_member_is_described_and_types, s03;
        "2.1 updateAttributes": Call::UpdateChannelAttributes; |it: &Channel, attributes| it.update_attributes(attributes); a_channel_is_changed_and_deleted, s02;
        "2.1 updateFriendlyName": Call::UpdateFriendlyName; |it: &Channel, name| it.update_friendly_name(name); a_channel_is_changed_and_deleted, s02;
        "2.1 updateLastConsumedMessageIndex": Call::UpdateLastConsumedMessageIndex; |it: &Channel, index: Option<u64>| it.update_last_consumed_message_index(index); the_read_horizon_moves, s03;
        "2.1 updateUniqueName": Call::UpdateUniqueName; |it: &Channel, name| it.update_unique_name(name); a_channel_is_changed_and_deleted, s02;
        "2.2 sid": field!(proto::Channel, sid); field!(Channel, sid); channels_are_created_found_and_listed;
        "2.2 status": field!(proto::Channel, status); field!(Channel, status); channels_are_created_found_and_listed;
        "2.2 type": field!(proto::Channel, channel_type); field!(Channel, channel_type); channels_are_created_found_and_listed;
        "2.2 attributes": field!(proto::Channel, attributes); field!(Channel, attributes); channels_are_created_found_and_listed;
        "2.2 createdBy": field!(proto::Channel, created_by); field!(Channel, created_by); channels_are_created_found_and_listed;
        "2.2 dateCreated": field!(proto::Channel, date_created); field!(Channel, date_created); channels_are_created_found_and_listed;
        "2.2 dateUpdated": field!(proto::Channel, date_updated); field!(Channel, date_updated); channels_are_created_found_and_listed;
        "2.2 friendlyName": field!(proto::Channel, friendly_name); field!(Channel, friendly_name); channels_are_created_found_and_listed;
        "2.2 uniqueName": field!(proto::Channel, unique_name); field!(Channel, unique_name); channels_are_created_found_and_listed;
        "2.2 lastConsumedMessageIndex": field!(proto::Channel, last_consumed_message_index); field!(Channel, last_consumed_message_index); the_read_horizon_moves;
        "2.2 lastMessage": field!(proto::Channel, last_message); field!(Channel, last_message); a_channel_is_changed_and_deleted;
        "2.2 notificationLevel": field!(proto::Channel, notification_level); field!(Channel, notification_level); a_channel_is_changed_and_deleted;
        "2.2 state": field!(proto::Channel, state); field!(Channel, state); channels_are_created_found_and_listed, q13_a_new_date_of_the_state_is_a_change_of_the_state;
        "2.2 isPrivate": |it: &proto::Channel| it.is_private(); |it: &Channel| it.is_private(); channels_are_created_found_and_listed;
        "2.2 members": |it: &proto::State, sid| it.members(sid).len(); |it: &Channel| it.members(); two_people_talk, q15_who_left_meanwhile_is_gone_after_coming_back;
        "2.3 memberJoined": event!(MemberJoined(_)); |it: &Channel| it.events(); people_come_and_go;
        "2.3 memberLeft": event!(MemberLeft(_)); |it: &Channel| it.events(); people_come_and_go;
        "2.3 memberUpdated": event!(MemberUpdated { member: _, reasons: _ }); |it: &Channel| it.events(); a_member_is_described_and_types;
        "2.3 messageAdded": event!(MessageAdded(_)); |it: &Channel| it.events(); messages_are_sent_read_changed_and_removed;
        "2.3 messageRemoved": event!(MessageRemoved(_)); |it: &Channel| it.events(); messages_are_sent_read_changed_and_removed;
        "2.3 messageUpdated": event!(MessageUpdated { message: _, reasons: _ }); |it: &Channel| it.events(); messages_are_sent_read_changed_and_removed;
        "2.3 typingStarted": event!(TypingStarted(_)); |it: &Channel| it.events(); a_member_is_described_and_types;
        "2.3 typingEnded": event!(TypingEnded(_)); |it: &Channel| it.events(); a_member_is_described_and_types;
        "2.3 updated": event!(ChannelUpdated { channel: _, reasons: _ }); |it: &Channel| it.events(); a_channel_is_changed_and_deleted;
        "2.3 removed": event!(ChannelRemoved(_)); |it: &Channel| it.events(); a_channel_is_changed_and_deleted;
        "2.4 Status": ChannelStatus::Unknown; ChannelStatus::Joined; channels_are_created_found_and_listed, people_come_and_go;
        "2.4 Type": ChannelType::Public; ChannelType::Private; states_and_levels_have_the_words_of_the_table, channels_are_created_found_and_listed;
        "2.4 NotificationLevel": NotificationLevel::Default; NotificationLevel::Muted; states_and_levels_have_the_words_of_the_table, a_channel_is_changed_and_deleted;
        "2.4 State": field!(proto::ChannelState, current); proto::ChannelStateKind::Inactive; states_and_levels_have_the_words_of_the_table, q13_a_new_date_of_the_state_is_a_change_of_the_state;
        "2.4 LastMessage": field!(proto::LastMessage, index); field!(proto::LastMessage, timestamp); a_channel_is_changed_and_deleted;
        "2.4 UpdateReason": ChannelReason::Attributes; ChannelReason::LastMessage; a_channel_is_changed_and_deleted, update_reasons_have_the_words_of_the_table;
        "3 getChannel": Call::GetChannelBySid; |it: &ChannelDescriptor| it.get_channel(); channels_are_created_found_and_listed;
        "3 sid": field!(proto::ChannelDescriptor, sid); field!(ChannelDescriptor, sid); channels_are_created_found_and_listed;
        "3 uniqueName": field!(proto::ChannelDescriptor, unique_name); field!(ChannelDescriptor, unique_name); channels_are_created_found_and_listed;
        "3 friendlyName": field!(proto::ChannelDescriptor, friendly_name); field!(ChannelDescriptor, friendly_name); channels_are_created_found_and_listed;
        "3 createdBy": field!(proto::ChannelDescriptor, created_by); field!(ChannelDescriptor, created_by); channels_are_created_found_and_listed;
        "3 attributes": field!(proto::ChannelDescriptor, attributes); field!(ChannelDescriptor, attributes); channels_are_created_found_and_listed;
        "3 dateCreated": field!(proto::ChannelDescriptor, date_created); field!(ChannelDescriptor, date_created); channels_are_created_found_and_listed;
        "3 dateUpdated": field!(proto::ChannelDescriptor, date_updated); field!(ChannelDescriptor, date_updated); channels_are_created_found_and_listed;
        "3 messagesCount": field!(proto::ChannelDescriptor, messages_count); field!(ChannelDescriptor, messages_count); channels_are_created_found_and_listed;
        "3 membersCount": field!(proto::ChannelDescriptor, members_count); field!(ChannelDescriptor, members_count); channels_are_created_found_and_listed;
        "3 lastConsumedMessageIndex": field!(proto::ChannelDescriptor, last_consumed_message_index); field!(ChannelDescriptor, last_consumed_message_index); channels_are_created_found_and_listed;
        "3 type": field!(proto::ChannelDescriptor, channel_type); field!(ChannelDescriptor, channel_type); channels_are_created_found_and_listed;
        "3 status": field!(proto::ChannelDescriptor, status); field!(ChannelDescriptor, status); channels_are_created_found_and_listed;
        "3 notificationLevel": field!(proto::ChannelDescriptor, notification_level); field!(ChannelDescriptor, notification_level); channels_are_created_found_and_listed;
        "3 isPrivate": |it: &proto::ChannelDescriptor| it.is_private(); |it: &ChannelDescriptor| it.is_private(); channels_are_created_found_and_listed;
        "4 getUser": Call::GetMemberUser; |it: &Member| it.get_user(); a_member_is_described_and_types;
        "4 getUserDescriptor": Call::GetMemberUserDescriptor; |it: &Member| it.get_user_descriptor(); a_member_is_described_and_types, s03;
        "4 remove": Call::RemoveMember; |it: &Member| it.remove(); people_come_and_go;
        "4 updateAttributes": Call::UpdateMemberAttributes; |it: &Member, attributes| it.update_attributes(attributes); a_member_is_described_and_types, s03;
        "4 sid": field!(proto::Member, sid); field!(Member, sid); people_come_and_go;
        "4 identity": field!(proto::Member, identity); field!(Member, identity); people_come_and_go;
        "4 type": field!(proto::Member, member_type); field!(Member, member_type); a_member_is_described_and_types;
        "4 channel": field!(proto::Member, channel); field!(Member, channel); a_member_is_described_and_types;
        "4 attributes": field!(proto::Member, attributes); field!(Member, attributes); a_member_is_described_and_types;
        "4 dateCreated": field!(proto::Member, date_created); field!(Member, date_created); a_member_is_described_and_types;
        "4 dateUpdated": field!(proto::Member, date_updated); field!(Member, date_updated); a_member_is_described_and_types;
        "4 isTyping": field!(proto::Member, is_typing); field!(Member, is_typing); a_member_is_described_and_types;
        "4 lastConsumedMessageIndex": field!(proto::Member, last_consumed_message_index); field!(Member, last_consumed_message_index); a_member_is_described_and_types;
        "4 lastConsumptionTimestamp": field!(proto::Member, last_consumption_timestamp); field!(Member, last_consumption_timestamp); a_member_is_described_and_types;
        "4 roleSid": field!(proto::Member, role_sid); field!(Member, role_sid); a_member_is_described_and_types;
        "4 typingStarted": event!(TypingStarted(_)); |it: &Channel| it.events(); a_member_is_described_and_types;
        "4 typingEnded": event!(TypingEnded(_)); |it: &Channel| it.events(); a_member_is_described_and_types;
        "4 updated": event!(MemberUpdated { member: _, reasons: _ }); |it: &Channel| it.events(); a_member_is_described_and_types;
        "4 Type": proto::MemberType::Chat; proto::MemberType::Whatsapp; a_member_is_described_and_types, states_and_levels_have_the_words_of_the_table;
        "4 UpdateReason": MemberReason::Attributes; MemberReason::LastConsumedMessageIndex; a_member_is_described_and_types, update_reasons_have_the_words_of_the_table;
        "5 getMember": Call::GetMessageMember; |it: &Message| it.get_member(); messages_are_sent_read_changed_and_removed, s02;
        "5 remove": Call::RemoveMessage; |it: &Message| it.remove(); messages_are_sent_read_changed_and_removed, s02;
        "5 updateBody": Call::UpdateMessageBody; |it: &Message, body: &str| it.update_body(body); messages_are_sent_read_changed_and_removed, s02;
        "5 updateAttributes": Call::UpdateMessageAttributes; |it: &Message, attributes| it.update_attributes(attributes); messages_are_sent_read_changed_and_removed, s02;
        "5 sid": field!(proto::Message, sid); field!(Message, sid); messages_are_sent_read_changed_and_removed;
        "5 index": field!(proto::Message, index); field!(Message, index); messages_are_sent_read_changed_and_removed;
        "5 author": field!(proto::Message, author); field!(Message, author); messages_are_sent_read_changed_and_removed;
        "5 body": field!(proto::Message, body); field!(Message, body); messages_are_sent_read_changed_and_removed;
        "5 type": field!(proto::Message, message_type); field!(Message, message_type); messages_are_sent_read_changed_and_removed;
        "5 media": field!(proto::Message, media); field!(Message, media); messages_are_sent_read_changed_and_removed;
        "5 memberSid": field!(proto::Message, member_sid); field!(Message, member_sid); messages_are_sent_read_changed_and_removed;
        "5 attributes": field!(proto::Message, attributes); field!(Message, attributes); messages_are_sent_read_changed_and_removed;
        "5 timestamp": field!(proto::Message, timestamp); field!(Message, timestamp); messages_are_sent_read_changed_and_removed;
        "5 dateUpdated": field!(proto::Message, date_updated); field!(Message, date_updated); messages_are_sent_read_changed_and_removed;
        "5 lastUpdatedBy": field!(proto::Message, last_updated_by); field!(Message, last_updated_by); messages_are_sent_read_changed_and_removed;
        "5 channel": field!(proto::Message, channel); field!(Message, channel); messages_are_sent_read_changed_and_removed;
        "5 updated": event!(MessageUpdated { message: _, reasons: _ }); |it: &Channel| it.events(); messages_are_sent_read_changed_and_removed;
        "5 UpdateReason": MessageReason::Body; MessageReason::Attributes; messages_are_sent_read_changed_and_removed, update_reasons_have_the_words_of_the_table;
        "6 User.unsubscribe": Call::UnsubscribeUser; |it: &User| it.unsubscribe(); people_are_followed, s06;
        "6 User.updateAttributes": Call::UpdateUserAttributes; |it: &User, attributes| it.update_attributes(attributes); people_are_followed, s06;
        "6 User.updateFriendlyName": Call::UpdateUserFriendlyName; |it: &User, name| it.update_friendly_name(name); people_are_followed, s06;
        "6 User.identity": field!(proto::User, identity); field!(User, identity); people_are_followed;
        "6 User.friendlyName": field!(proto::User, friendly_name); field!(User, friendly_name); people_are_followed;
        "6 User.attributes": field!(proto::User, attributes); field!(User, attributes); people_are_followed;
        "6 User.online": field!(proto::User, online); field!(User, online); people_are_followed;
        "6 User.notifiable": field!(proto::User, notifiable); field!(User, notifiable); people_are_followed;
        "6 User.isSubscribed": field!(proto::User, is_subscribed); field!(User, is_subscribed); people_are_followed;
        "6 User.updated": event!(UserUpdated { user: _, reasons: _ }); |it: &Client| it.events(); people_are_followed;
        "6 User.userSubscribed": event!(UserSubscribed(_)); |it: &Client| it.events(); people_are_followed;
        "6 User.userUnsubscribed": event!(UserUnsubscribed(_)); |it: &Client| it.events(); people_are_followed;
        "6 User.UpdateReason": UserReason::FriendlyName; UserReason::Online; people_are_followed, update_reasons_have_the_words_of_the_table;
        "6 UserDescriptor.subscribe": Call::GetUser; |it: &UserDescriptor| it.subscribe(); people_are_followed, s06;
        "6 UserDescriptor.identity": field!(proto::UserDescriptor, identity); field!(UserDescriptor, identity); people_are_followed;
        "6 UserDescriptor.friendlyName": field!(proto::UserDescriptor, friendly_name); field!(UserDescriptor, friendly_name); people_are_followed;
        "6 UserDescriptor.attributes": field!(proto::UserDescriptor, attributes); field!(UserDescriptor, attributes); people_are_followed;
        "6 UserDescriptor.online": field!(proto::UserDescriptor, online); field!(UserDescriptor, online); people_are_followed;
        "6 UserDescriptor.notifiable": field!(proto::UserDescriptor, notifiable); field!(UserDescriptor, notifiable); people_are_followed;
        "6 Paginator.items": field!(proto::Page<u8>, items); |it: &Paginator<Message>| { it.items(); }; messages_are_sent_read_changed_and_removed;
        "6 Paginator.hasNextPage": field!(proto::Page<u8>, next); |it: &Paginator<Message>| it.has_next_page(); messages_are_sent_read_changed_and_removed;
        "6 Paginator.hasPrevPage": field!(proto::Page<u8>, prev); |it: &Paginator<Message>| it.has_prev_page(); messages_are_sent_read_changed_and_removed;
        "6 Paginator.nextPage": Call::NextPage; |it: &Paginator<Message>| it.next_page(); messages_are_sent_read_changed_and_removed;
        "6 Paginator.prevPage": Call::NextPage; |it: &Paginator<Message>| it.prev_page(); messages_are_sent_read_changed_and_removed;
        "6 SessionError.name": |it: &CallError| matches!(it, CallError::Session { .. }); |it: &Error| it.as_call_error().is_some(); refusals_have_a_code_and_a_text;
        "6 SessionError.message": |it: CallError| match it { CallError::Session { message, .. } => Some(message), _ => None }; |it: &Error| it.as_call_error().is_some(); refusals_have_a_code_and_a_text;
        "6 SessionError.code": |it: CallError| match it { CallError::Session { code, .. } => Some(code), _ => None }; |it: &Error| it.as_call_error().is_some(); refusals_have_a_code_and_a_text;
        "1.1 parsePushNotification": proto::parse_push_notification; Client::parse_push_notification; devices_are_registered_and_told, the_captured_notification_is_read;
        "1.2 parsePushNotification": proto::parse_push_notification; Client::parse_push_notification; devices_are_registered_and_told;
        "1.2 handlePushNotification": Call::HandlePushNotification; |it: &Client, payload| it.handle_push_notification(payload); devices_are_registered_and_told;
        "1.2 setPushRegistrationId": Call::SetPushRegistrationId; |it: &Client, channel, id: &str| it.set_push_registration_id(channel, id); devices_are_registered_and_told, devices_are_registered_and_removed, s06;
        "1.2 unsetPushRegistrationId": Call::UnsetPushRegistrationId; |it: &Client, channel| it.unset_push_registration_id(channel); devices_are_registered_and_told, devices_are_registered_and_removed, s06;
        "1.4 notifications": field!(proto::Endpoints, push); |it: Options, config| it.config(config); the_registrar_may_be_elsewhere;
        "1.4 MCS": field!(proto::Endpoints, media); |it: Options| it.media_url("http://localhost"); the_media_service_may_be_elsewhere;
        "1.5 pushNotification": event!(PushNotification(_)); |it: &Client| it.events(); devices_are_registered_and_told;
        "1.6 NotificationsChannelType": PushChannel::Apn; PushChannel::Fcm; devices_are_registered_and_told, push_channels_have_the_words_of_the_table;
        "2.4 SendMediaOptions": Call::SendMedia; |it: &Channel, upload, attributes| it.send_media(upload, attributes); a_picture_goes_there_and_back;
        "6 Media.getContentUrl": Call::GetMediaUrl; |it: &Media| it.get_content_url(); a_picture_goes_there_and_back;
        "6 Media.sid": field!(proto::MediaInfo, sid); field!(Media, sid); a_picture_is_sent_seen_and_fetched;
        "6 Media.contentType": field!(proto::MediaInfo, content_type); field!(Media, content_type); a_picture_goes_there_and_back;
        "6 Media.size": field!(proto::MediaInfo, size); field!(Media, size); a_picture_goes_there_and_back;
        "6 Media.filename": field!(proto::MediaInfo, filename); field!(Media, filename); a_picture_goes_there_and_back;
        "6 PushNotification.title": field!(PushNotification, title); field!(PushNotification, title); the_captured_notification_is_read, apns_is_read_from_both_levels;
        "6 PushNotification.body": field!(PushNotification, body); field!(PushNotification, body); the_captured_notification_is_read, apns_is_read_from_both_levels;
        "6 PushNotification.sound": field!(PushNotification, sound); field!(PushNotification, sound); the_captured_notification_is_read, apns_is_read_from_both_levels;
        "6 PushNotification.action": field!(PushNotification, action); field!(PushNotification, action); the_captured_notification_is_read, apns_is_read_from_both_levels;
        "6 PushNotification.badge": field!(PushNotification, badge); field!(PushNotification, badge); the_captured_notification_is_read, apns_is_read_from_both_levels;
        "6 PushNotification.type": field!(PushNotification, push_type); field!(PushNotification, push_type); the_captured_notification_is_read, apns_is_read_from_both_levels;
        "6 PushNotification.data": field!(PushNotification, message_index); field!(PushNotification, message_index); the_captured_notification_is_read, apns_is_read_from_both_levels;
    }
}
