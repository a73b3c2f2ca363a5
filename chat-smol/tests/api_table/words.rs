//! The words of the table's types are the words of ours.

use std::collections::BTreeSet;

use chat_smol::proto::{ChannelStateKind, MemberType};
use chat_smol::{
    ChannelReason, ChannelStatus, ChannelType, ConnectionState, LogLevel, MemberReason, MessageReason,
    NotificationLevel, PushChannel, SortingCriteria, SortingOrder, UserReason,
};
use serde::Serialize;

use crate::table::values;

fn words<T: Serialize>(all: &[T]) -> BTreeSet<String> {
    let word = |value: &T| serde_json::to_value(value).unwrap().as_str().unwrap().to_owned();
    all.iter().map(word).collect()
}

#[test]
fn states_and_levels_have_the_words_of_the_table() {
    use ConnectionState::{Connected, Connecting, Denied, Disconnected, Disconnecting};
    let states = [Connecting, Connected, Disconnecting, Disconnected, Denied];
    assert_eq!(words(&states), values("1.6", "ConnectionState"));
    assert_eq!(
        words(&[NotificationLevel::Default, NotificationLevel::Muted]),
        values("2.4", "NotificationLevel")
    );
    assert_eq!(words(&[ChannelType::Public, ChannelType::Private]), values("2.4", "Type"));
    use ChannelStatus::{Invited, Joined, Known, Unknown};
    assert_eq!(words(&[Unknown, Known, Invited, Joined]), values("2.4", "Status"));
    // One more: what this version does not know.
    let mut types = words(&[MemberType::Chat, MemberType::Sms, MemberType::Whatsapp, MemberType::Other]);
    assert!(types.remove("other"));
    assert_eq!(types, values("4", "Type"));
    let kinds = words(&[ChannelStateKind::Active, ChannelStateKind::Inactive, ChannelStateKind::Closed]);
    assert_eq!(kinds, ["active", "inactive", "closed"].map(String::from).into());
    let levels =
        [LogLevel::Silent, LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let levels: BTreeSet<_> = levels.iter().map(|level| format!("{level:?}").to_lowercase()).collect();
    assert_eq!(levels, values("1.4", "logLevel"));
}

#[test]
fn sorting_has_the_words_of_the_table() {
    let criteria =
        words(&[SortingCriteria::LastMessage, SortingCriteria::FriendlyName, SortingCriteria::UniqueName]);
    let order = words(&[SortingOrder::Ascending, SortingOrder::Descending]);
    let text: String = values("1.6", "ChannelSortingOptions").into_iter().collect::<Vec<_>>().join(" ");
    for word in criteria.iter().chain(&order) {
        assert!(text.contains(word.as_str()), "{word} is not in {text}");
    }
    assert_eq!((criteria.len(), order.len()), (3, 2));
}

#[test]
fn update_reasons_have_the_words_of_the_table() {
    let mut channel = values("2.4", "UpdateReason");
    // As the table's bracket has it: undocumented, and told (spec 03 §22 Q14).
    channel.retain(|word| word.chars().all(char::is_alphabetic));
    use ChannelReason as C;
    let all = [
        C::Attributes,
        C::CreatedBy,
        C::DateCreated,
        C::DateUpdated,
        C::FriendlyName,
        C::LastConsumedMessageIndex,
        C::LastMessage,
        C::NotificationLevel,
        C::Sid,
        C::State,
        C::Status,
        C::Type,
        C::UniqueName,
    ];
    assert_eq!(words(&all), channel);
    use MessageReason as M;
    let all = [M::Body, M::LastUpdatedBy, M::Author, M::DateUpdated, M::Timestamp, M::Attributes];
    assert_eq!(words(&all), values("5", "UpdateReason"));
    use MemberReason as B;
    let all = [
        B::Attributes,
        B::DateUpdated,
        B::DateCreated,
        B::RoleSid,
        B::LastConsumedMessageIndex,
        B::LastConsumptionTimestamp,
    ];
    assert_eq!(words(&all), values("4", "UpdateReason"));
    use UserReason as U;
    assert_eq!(
        words(&[U::FriendlyName, U::Attributes, U::Online, U::Notifiable]),
        values("6", "UpdateReason")
    );
}

#[test]
fn push_channels_have_the_words_of_the_table() {
    let all = words(&[PushChannel::Gcm, PushChannel::Fcm, PushChannel::Apn]);
    assert_eq!(all, values("1.6", "NotificationsChannelType"));
}
