//! Clients that hold something else than the service: law 11, of all that is no message. Each hears one word of the wire
//! as another one, of the same length, so that every frame stays whole.

use chat_proto::{Client, Frame, Input, Time};

use super::Twist;

/// Hears `what` as `otherwise`, in frames that have all of `where_all_of` in them.
fn misheard(bytes: &[u8], where_all_of: &[&str], what: &str, otherwise: &str) -> Option<Vec<u8>> {
    debug_assert_eq!(what.len(), otherwise.len());
    let text = std::str::from_utf8(bytes).ok()?;
    (where_all_of.iter().all(|part| text.contains(part)) && text.contains(what))
        .then(|| text.replace(what, otherwise).into_bytes())
}

macro_rules! misreads {
    ($($(#[$doc:meta])* $name:ident: $all_of:expr, $what:literal => $otherwise:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $name;

        impl Twist for $name {
            fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
                if let Input::Frame(link, Frame::Binary(bytes)) = &input
                    && let Some(other) = misheard(bytes, &$all_of, $what, $otherwise)
                {
                    return client.handle(now, Input::Frame(*link, Frame::Binary(&other)));
                }
                client.handle(now, input);
            }
        }
    )*};
}

misreads! {
    /// Law 11: does not know the names of channels for programs.
    ForgetsNames: [], r#""uniqueName""# => r#""uniqueNamE""#;
    /// Law 11: does not hear that a channel was muted.
    HearsNoLevel: [], r#""notificationLevel":"muted""# => r#""notificationLeveL":"muted""#;
    /// Law 11: does not see how far its own user has read, when it is told.
    OverlooksOwnReading: [r#""item_key":"CH"#], r#""lastConsumedMessageIndex""# => r#""lastConsumedMessageIndeX""#;
    /// Law 11: does not see how far others have read.
    OverlooksReading: [r#""item_key":"MB"#], r#""lastConsumedMessageIndex""# => r#""lastConsumedMessageIndeX""#;
    /// Law 11: takes a member that leaves for one that changes.
    KeepsMembers: [r#""item_key":"MB"#], r#""map_item_removed""# => r#""map_item_updated""#;
    /// Law 11: takes a channel that the own user leaves for one that changes.
    KeepsChannels: [r#""item_key":"CH"#], r#""map_item_removed""# => r#""map_item_updated""#;
    /// Law 11: does not hear that a person has another name.
    ForgetsPeople: [], r#""item_key":"friendlyName""# => r#""item_key":"friendlyNamE""#;
    /// Law 11: does not hear that the service ended a subscription.
    IgnoresCancels: [], r#""subscription_canceled""# => r#""subscription_canceleD""#;
    /// Law 11: does not hear who comes and goes online.
    OverlooksPresence: [], r#""online":"# => r#""onlinE":"#;
}
