//! What is made of a reply: each kind of result says which reply it comes from.

use chat_proto::{Json, Page, Reply, Secret, UnreadCount};

use super::{Bind, Channel, Member, Message, PageItem, Paginator, User, UserDescriptor};
use crate::client::Client;

/// A result that comes from one kind of [`Reply`].
pub(crate) trait Take: Sized {
    /// `None` when the reply is of another kind.
    fn take(client: &Client, reply: Reply) -> Option<Self>;
}

impl Take for () {
    fn take(_: &Client, reply: Reply) -> Option<Self> {
        matches!(reply, Reply::Done).then_some(())
    }
}

macro_rules! take {
    ($($type:ty: $variant:ident, |$client:pat_param, $value:ident| $make:expr;)*) => {$(
        impl Take for $type {
            fn take($client: &Client, reply: Reply) -> Option<Self> {
                match reply {
                    Reply::$variant($value) => Some($make),
                    _ => None,
                }
            }
        }
    )*};
}

take! {
    Channel: Channel, |client, channel| channel.bind(client);
    Vec<Channel>: Channels, |client, channels| bind_all(client, channels);
    Member: Member, |client, member| member.bind(client);
    Vec<Member>: Members, |client, members| bind_all(client, members);
    Message: Message, |client, message| message.bind(client);
    User: User, |client, user| user.bind(client);
    Vec<User>: Users, |client, users| bind_all(client, users);
    UserDescriptor: UserDescriptor, |client, user| user.bind(client);
    Option<u64>: MessageIndex, |_, index| index;
    u64: Count, |_, count| count;
    UnreadCount: UnreadCount, |_, count| count;
    Json: Attributes, |_, attributes| attributes;
    Secret: MediaUrl, |_, url| url;
}

impl<T: PageItem> Take for Paginator<T> {
    fn take(client: &Client, reply: Reply) -> Option<Self> {
        T::page(reply).map(|page| Paginator::new(client, page))
    }
}

fn bind_all<B: Bind>(client: &Client, snapshots: Vec<B>) -> Vec<B::Object> {
    snapshots.into_iter().map(|snapshot| snapshot.bind(client)).collect()
}

/// The items of a page, as objects.
pub(super) fn bind_page<T: PageItem>(client: &Client, page: Page<T::Snapshot>) -> (Vec<T>, Refs) {
    let items = page.items.into_iter().map(|snapshot| T::bind(client, snapshot)).collect();
    (items, Refs { next: page.next, prev: page.prev })
}

/// Where the pages beside one are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refs {
    pub(super) next: Option<chat_proto::PageRef>,
    pub(super) prev: Option<chat_proto::PageRef>,
}
