use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::ChannelSid;

/// One page of a longer list. It never changes; the next one is asked for with [`Call::NextPage`](crate::Call::NextPage).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// The page after it, `None` on the last. For messages "after" is newer, whatever the direction of reading.
    pub next: Option<PageRef>,
    /// The page before it, `None` on the first.
    pub prev: Option<PageRef>,
}

/// Where a page is to be found. A value to hold, save and send back; only the client that made it understands it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRef {
    pub(crate) source: PageSource,
    // What is called `token` is starred out of session files; this is no secret, and a replay needs it.
    #[serde(rename = "page_token")]
    pub(crate) token: String,
}

/// What a [`PageRef`] leads through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PageSource {
    /// Messages of a channel; `descending` as the first query asked.
    Messages { channel: ChannelSid, descending: bool },
    /// The own channels map.
    SubscribedChannels,
    /// The directory of public channels.
    PublicChannels,
    /// The directory of own channels.
    UserChannels,
    /// The users of a channel.
    ChannelUsers { channel: ChannelSid },
}
