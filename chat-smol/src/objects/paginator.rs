//! Pages, and streams over all of them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use chat_proto::{Call, Page, PageRef, Reply};
use futures_core::Stream;

use super::take::{Refs, Take, bind_page};
use super::{Bind, Channel, ChannelDescriptor, Message, UserDescriptor, sealed};
use crate::call::CallFuture;
use crate::client::Client;
use crate::error::Error;

/// What stands on pages.
pub trait PageItem: sealed::Sealed + Sized + Send + Unpin + 'static {
    #[doc(hidden)]
    type Snapshot;
    #[doc(hidden)]
    fn page(reply: Reply) -> Option<Page<Self::Snapshot>>;
    #[doc(hidden)]
    fn bind(client: &Client, snapshot: Self::Snapshot) -> Self;
}

macro_rules! page_items {
    ($($object:ident: $snapshot:ty, $variant:ident;)*) => {$(
        impl sealed::Sealed for $object {}

        impl PageItem for $object {
            type Snapshot = $snapshot;

            fn page(reply: Reply) -> Option<Page<$snapshot>> {
                match reply {
                    Reply::$variant(page) => Some(page),
                    _ => None,
                }
            }

            fn bind(client: &Client, snapshot: $snapshot) -> Self {
                Bind::bind(snapshot, client)
            }
        }
    )*};
}

page_items! {
    Channel: Arc<chat_proto::Channel>, ChannelPage;
    ChannelDescriptor: chat_proto::ChannelDescriptor, ChannelDescriptors;
    Message: Arc<chat_proto::Message>, MessagePage;
    UserDescriptor: chat_proto::UserDescriptor, UserDescriptors;
}

/// One page of a longer list: a value that never changes and leads to the pages beside it (spec 04 §6).
#[derive(Clone)]
pub struct Paginator<T> {
    items: Vec<T>,
    refs: Refs,
    client: Client,
}

impl<T: PageItem> Paginator<T> {
    pub(super) fn new(client: &Client, page: Page<T::Snapshot>) -> Self {
        let (items, refs) = bind_page(client, page);
        Self { items, refs, client: client.clone() }
    }

    /// What stands on this page.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// What stands on this page, owned.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Whether there is a page after this one. For messages "after" is newer.
    pub fn has_next_page(&self) -> bool {
        self.refs.next.is_some()
    }

    /// Whether there is a page before this one. For messages "before" is older.
    pub fn has_prev_page(&self) -> bool {
        self.refs.prev.is_some()
    }

    /// The page after this one; [`Error::NoSuchPage`] on the last.
    pub fn next_page(&self) -> CallFuture<Self> {
        page(&self.client, self.refs.next.clone())
    }

    /// The page before this one; [`Error::NoSuchPage`] on the first.
    pub fn prev_page(&self) -> CallFuture<Self> {
        page(&self.client, self.refs.prev.clone())
    }

    /// The items of this page and of all after it, fetched as they are needed.
    pub fn into_stream(self) -> Pages<T> {
        Pages::new(self, false)
    }

    /// The items of this page and of all before it, last one first: messages from new to old.
    pub fn into_stream_backwards(self) -> Pages<T> {
        Pages::new(self, true)
    }
}

fn page<T: PageItem>(client: &Client, to: Option<PageRef>) -> CallFuture<Paginator<T>> {
    match to {
        Some(to) => client.ask(Call::NextPage(to), Paginator::take),
        None => client.refuse(Error::NoSuchPage),
    }
}

impl<T: fmt::Debug> fmt::Debug for Paginator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paginator")
            .field("items", &self.items)
            .field("has_next_page", &self.refs.next.is_some())
            .field("has_prev_page", &self.refs.prev.is_some())
            .finish_non_exhaustive()
    }
}

/// A stream over all pages; see [`Paginator::into_stream`]. It ends after an error.
#[derive(Debug)]
pub struct Pages<T> {
    items: std::vec::IntoIter<T>,
    backwards: bool,
    further: Option<PageRef>,
    client: Client,
    fetching: Option<CallFuture<Paginator<T>>>,
}

impl<T: PageItem> Pages<T> {
    fn new(page: Paginator<T>, backwards: bool) -> Self {
        let client = page.client.clone();
        let mut pages =
            Self { items: Vec::new().into_iter(), backwards, further: None, client, fetching: None };
        pages.turn_to(page);
        pages
    }

    fn turn_to(&mut self, page: Paginator<T>) {
        self.further = if self.backwards { page.refs.prev } else { page.refs.next };
        self.items = page.items.into_iter();
    }
}

impl<T: PageItem> Stream for Pages<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pages = self.get_mut();
        loop {
            let item = if pages.backwards { pages.items.next_back() } else { pages.items.next() };
            if let Some(item) = item {
                return Poll::Ready(Some(Ok(item)));
            }
            if let Some(fetching) = &mut pages.fetching {
                let result = ready!(Pin::new(fetching).poll(cx));
                pages.fetching = None;
                match result {
                    Ok(page) => pages.turn_to(page),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            } else if let Some(further) = pages.further.take() {
                pages.fetching = Some(page(&pages.client, Some(further)));
            } else {
                return Poll::Ready(None);
            }
        }
    }
}
