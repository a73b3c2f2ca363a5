use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::chat::commands::Response;
use crate::error::CallError;

fn commands() -> Vec<(SessionCommand, &'static str)> {
    let channel = || ChannelSid::from("CH1");
    let attributes = || Json::parse(r#"{"a":"\u00e9"}"#).unwrap();
    let named = |friendly_name: Option<&str>, unique_name: Option<&str>, channel_type| {
        SessionCommand::CreateChannel {
            friendly_name: friendly_name.map(Into::into),
            unique_name: unique_name.map(Into::into),
            channel_type,
            attributes: attributes(),
        }
    };
    vec![
        (
            named(Some("General \"1\""), Some("general"), ChannelType::Public),
            r#""friendlyName":"General \"1\"","uniqueName":"general","type":"public","attributes":"{\"a\":\"\\u00e9\"}","action":"createChannel""#,
        ),
        (
            named(None, None, ChannelType::Private),
            r#""type":"private","attributes":"{\"a\":\"\\u00e9\"}","action":"createChannel""#,
        ),
        (
            SessionCommand::DestroyChannel { channel: channel() },
            r#""channelSid":"CH1","action":"destroyChannel""#,
        ),
        (SessionCommand::Join { channel: channel() }, r#""channelSid":"CH1","action":"joinChannelV2""#),
        (SessionCommand::Leave { channel: channel() }, r#""channelSid":"CH1","action":"leaveChannel""#),
        (
            SessionCommand::Decline { channel: channel() },
            r#""channelSid":"CH1","action":"declineInvitation""#,
        ),
        (
            SessionCommand::Invite { channel: channel(), identity: "bob".into() },
            r#""channelSid":"CH1","username":"bob","action":"inviteMember""#,
        ),
        (
            SessionCommand::Add { channel: channel(), identity: "bob".into() },
            r#""channelSid":"CH1","username":"bob","action":"addMemberV2""#,
        ),
        (
            SessionCommand::RemoveMember { channel: channel(), member: MemberRef::Identity("bob".into()) },
            r#""channelSid":"CH1","username":"bob","action":"removeMember""#,
        ),
        (
            SessionCommand::RemoveMember { channel: channel(), member: MemberRef::Sid("MB1".into()) },
            r#""channelSid":"CH1","memberSid":"MB1","action":"removeMember""#,
        ),
        (
            SessionCommand::EditAttributes { channel: channel(), attributes: Json::null() },
            r#""channelSid":"CH1","attributes":"null","action":"editAttributes""#,
        ),
        (
            SessionCommand::EditFriendlyName { channel: channel(), friendly_name: Some("n".into()) },
            r#""channelSid":"CH1","friendlyName":"n","action":"editFriendlyName""#,
        ),
        (
            SessionCommand::EditFriendlyName { channel: channel(), friendly_name: None },
            r#""channelSid":"CH1","friendlyName":null,"action":"editFriendlyName""#,
        ),
        (
            SessionCommand::EditUniqueName { channel: channel(), unique_name: None },
            r#""channelSid":"CH1","uniqueName":"","action":"editUniqueName""#,
        ),
        (
            SessionCommand::EditNotificationLevel { channel: channel(), level: NotificationLevel::Muted },
            r#""channelSid":"CH1","notificationLevel":"muted","action":"editNotificationLevel""#,
        ),
        (
            SessionCommand::SendMessage {
                channel: channel(),
                text: Some("hi".into()),
                attributes: Json::default(),
            },
            r#""channelSid":"CH1","text":"hi","attributes":"{}","action":"sendMessage""#,
        ),
        (
            SessionCommand::SendMessage { channel: channel(), text: None, attributes: Json::default() },
            r#""channelSid":"CH1","text":null,"attributes":"{}","action":"sendMessage""#,
        ),
        (
            SessionCommand::SendMediaMessage {
                channel: channel(),
                media: "ME1".into(),
                attributes: Json::default(),
            },
            r#""channelSid":"CH1","mediaSid":"ME1","attributes":"{}","action":"sendMediaMessage""#,
        ),
        (
            SessionCommand::EditMessage { channel: channel(), index: 7, text: "new".into() },
            r#""channelSid":"CH1","messageIdx":"7","text":"new","action":"editMessage""#,
        ),
        (
            SessionCommand::EditMessageAttributes {
                channel: channel(),
                index: 7,
                attributes: Json::default(),
            },
            r#""channelSid":"CH1","messageIdx":7,"attributes":"{}","action":"editMessageAttributes""#,
        ),
        (
            SessionCommand::DeleteMessage { channel: channel(), index: 7 },
            r#""channelSid":"CH1","messageIdx":"7","action":"deleteMessage""#,
        ),
        (
            SessionCommand::EditMemberAttributes {
                channel: channel(),
                member: "MB1".into(),
                attributes: Json::default(),
            },
            r#""channelSid":"CH1","memberSid":"MB1","attributes":"{}","action":"editMemberAttributes""#,
        ),
        (
            SessionCommand::EditUserAttributes { identity: "bob".into(), attributes: Json::default() },
            r#""username":"bob","attributes":"{}","action":"editUserAttributes""#,
        ),
        (
            SessionCommand::EditUserFriendlyName { identity: "bob".into(), friendly_name: None },
            r#""username":"bob","friendlyName":null,"action":"editUserFriendlyName""#,
        ),
        (
            SessionCommand::ConsumptionReport(vec![(channel(), Some(11)), ("CH2".into(), None)]),
            r#""report":[{"channelSid":"CH1","messageIdx":11},{"channelSid":"CH2","messageIdx":null}],"action":"consumptionReportV2""#,
        ),
    ]
}

#[test]
fn every_action_is_written_as_the_table_says() {
    for (command, request) in commands() {
        assert_eq!(item(&command, "c-1"), format!(r#"{{"request":{{{request}}},"commandId":"c-1"}}"#));
    }
}

#[test]
fn all_21_actions_are_there() {
    let mut actions: Vec<&str> =
        commands().iter().filter_map(|(_, request)| request.rsplit('"').nth(1)).collect();
    actions.sort_unstable();
    actions.dedup();
    assert_eq!(actions.len(), 21, "{actions:?}");
}

#[test]
fn the_context_tells_of_the_platform() {
    let mut metadata = Metadata { sdk: "js".into(), sdk_version: "3.4.0".into(), ..Metadata::default() };
    assert_eq!(
        context(&metadata),
        r#"{"type":"IpMsgSession","apiVersion":"3","endpointPlatform":"js|3.4.0|||"}"#
    );
    metadata.os = Some("Linux 64-bit".into());
    metadata.environment = Some(("Node.js".into(), "20.20.2".into()));
    let expected = r#"{"type":"IpMsgSession","apiVersion":"3","endpointPlatform":"js|3.4.0|Linux 64-bit|Node.js|20.20.2"}"#;
    assert_eq!(context(&metadata), expected);
}

fn answer(response: &str) -> Result<Response, CallError> {
    let item = format!(r#"{{"request":{{}},"commandId":"c-1","response":{response}}}"#);
    let seen = seen(&item).unwrap();
    assert_eq!(seen.command_id, "c-1");
    seen.answer.unwrap()
}

#[test]
fn answers_are_read() {
    let created =
        answer(r#"{"status":200,"statusText":"OK","channelSid":"CH1","channel":"CH1.channel"}"#).unwrap();
    assert_eq!(created.channel_sid, Some("CH1".into()));
    assert_eq!(created.channel.as_deref(), Some("CH1.channel"));
    assert!(!created.has_report);
    for (id, expected) in
        [("7", Some(7)), (r#""7""#, Some(7)), ("null", None), (r#""x""#, None), ("-1", None), ("{}", None)]
    {
        assert_eq!(
            answer(&format!(r#"{{"status":200,"messageId":{id}}}"#)).unwrap().message_id,
            expected,
            "{id}"
        );
    }
    let report = answer(
        r#"{"status":200.0,"report":[{"channelSid":"CH1","unreadMessagesCount":3},{"channelSid":"CH2","unreadMessagesCount":null},{"channelSid":"CH3"}]}"#,
    )
    .unwrap();
    assert!(report.has_report);
    assert_eq!(report.report, [("CH1".into(), Some(3)), ("CH2".into(), None), ("CH3".into(), None)]);
    assert!(answer(r#"{"status":200,"report":[]}"#).unwrap().has_report);
}

#[test]
fn refusals_are_told_in_the_words_of_the_service() {
    let refusal = answer(r#"{"status":403,"statusText":"Not allowed"}"#).unwrap_err();
    assert_eq!(refusal, CallError::Session { code: 403, message: "Not allowed".into() });
    assert_eq!(
        answer(r#"{"status":201}"#).unwrap_err(),
        CallError::Session { code: 201, message: "".into() }
    );
}

#[test]
fn malformed_answers_are_typed_errors() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for response in [
        "null",
        "[]",
        "{}",
        r#"{"status":"200"}"#,
        r#"{"status":200.5}"#,
        r#"{"status":1e300}"#,
        r#"{"status":200,"channelSid":7}"#,
        r#"{"status":200,"report":{}}"#,
        r#"{"status":200,"report":[{}]}"#,
        r#"{"status":200,"report":[{"channelSid":"CH1","unreadMessagesCount":-1}]}"#,
        &deep,
    ] {
        assert!(matches!(answer(response), Err(CallError::BadAnswer(_))), "{response}");
    }
}

#[test]
fn other_items_are_not_ours() {
    for text in
        ["null", "7", "[]", "{}", r#"{"commandId":7,"response":{}}"#, r#"{"response":{"status":200}}"#]
    {
        assert!(seen(text).is_none(), "{text}");
    }
    assert!(
        seen(r#"{"request":{},"commandId":"c\u002d1"}"#)
            .is_some_and(|seen| seen.command_id == "c-1" && seen.answer.is_none())
    );
}
