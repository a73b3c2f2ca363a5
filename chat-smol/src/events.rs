//! Events on their way to whoever listens: one bounded buffer for each stream.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use chat_proto::Event;
use futures_core::Stream;

/// How many events a stream that was read to its end keeps room for.
const KEPT: usize = 16;

type Filter = Box<dyn Fn(&Event) -> bool + Send + Sync>;

/// What a stream of events gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// Something happened.
    Event(Event),
    /// This stream was not read for too long, and the oldest so many events were thrown away. The state of the client
    /// is right all the same: read it again ([`Client::with_state`](crate::Client::with_state)).
    Lagged(u64),
}

/// A stream of events. It ends when the client does, and does not keep the client alive.
///
/// Each stream has its own buffer of [`Options::event_buffer`](crate::Options::event_buffer) events: a slow one neither
/// slows the others down nor grows without bound; it is told what it lost with [`StreamItem::Lagged`].
pub struct Events {
    queue: Arc<Queue>,
}

impl Events {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<StreamItem>> {
        let mut inner = self.queue.lock();
        if inner.lagged > 0 {
            return Poll::Ready(Some(StreamItem::Lagged(std::mem::take(&mut inner.lagged))));
        }
        if let Some(event) = inner.events.pop_front() {
            if inner.events.is_empty() {
                // A burst is over: what it needed is given back.
                inner.events.shrink_to(KEPT);
            }
            return Poll::Ready(Some(StreamItem::Event(event)));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        if !inner.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inner.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Stream for Events {
    type Item = StreamItem;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StreamItem>> {
        self.poll(cx)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("waiting", &self.queue.lock().events.len()).finish_non_exhaustive()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut inner = self.queue.lock();
        inner.abandoned = true;
        inner.events.clear();
    }
}

struct Queue {
    filter: Option<Filter>,
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Event>,
    lagged: u64,
    closed: bool,
    abandoned: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where events are handed out.
pub(crate) struct Hub {
    capacity: usize,
    streams: Mutex<Streams>,
}

struct Streams {
    all: Vec<Arc<Queue>>,
    /// What happens before anybody listens is kept for the first who does.
    early: Option<Events>,
    closed: bool,
}

impl Hub {
    pub(crate) fn new(capacity: usize) -> Self {
        let streams = Streams { all: Vec::new(), early: None, closed: false };
        let hub = Self { capacity: capacity.max(1), streams: Mutex::new(streams) };
        let early = hub.subscribe(None);
        hub.lock().early = Some(early);
        hub
    }

    /// All events; the first stream begins with those that came before it.
    pub(crate) fn events(&self) -> Events {
        let early = self.lock().early.take();
        early.unwrap_or_else(|| self.subscribe(None))
    }

    /// The events from now on that pass `filter`.
    pub(crate) fn subscribe(&self, filter: Option<Filter>) -> Events {
        let mut streams = self.lock();
        let inner = Inner { closed: streams.closed, ..Inner::default() };
        let queue = Arc::new(Queue { filter, capacity: self.capacity, inner: Mutex::new(inner) });
        if !streams.closed {
            streams.all.push(queue.clone());
        }
        Events { queue }
    }

    /// Hands out what happened in one turn of the driver: each stream's reader is woken once for all of it.
    pub(crate) fn publish(&self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let mut wakers = Vec::new();
        self.lock().all.retain(|queue| {
            let mut inner = queue.lock();
            if inner.abandoned {
                return false;
            }
            let before = inner.events.len();
            for event in events {
                if queue.filter.as_ref().is_none_or(|passes| passes(event)) {
                    if inner.events.len() >= queue.capacity {
                        inner.events.pop_front();
                        inner.lagged += 1;
                    }
                    inner.events.push_back(event.clone());
                }
            }
            if inner.events.len() > before || inner.lagged > 0 {
                wakers.extend(inner.waker.take());
            }
            true
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends all streams, once they gave what waits in them.
    pub(crate) fn close(&self) {
        let all = {
            let mut streams = self.lock();
            streams.closed = true;
            std::mem::take(&mut streams.all)
        };
        for queue in all {
            let waker = {
                let mut inner = queue.lock();
                inner.closed = true;
                inner.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::StreamExt;
    use smol::block_on;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    fn drain(events: &mut Events) -> Vec<StreamItem> {
        block_on(events.collect())
    }

    #[test]
    fn a_slow_stream_lags_alone() {
        let hub = Hub::new(2);
        let (mut fast, mut slow) = (hub.events(), hub.events());
        let mut seen = Vec::new();
        for event in [Event::Ready, Event::TokenAboutToExpire, Event::TokenExpired, Event::Ready] {
            hub.publish(&[event]);
            seen.push(block_on(fast.next()).unwrap());
        }
        hub.close();
        assert_eq!(seen.len(), 4);
        assert!(seen.iter().all(|item| matches!(item, StreamItem::Event(_))));
        assert_eq!(drain(&mut fast), []);
        let expected =
            [StreamItem::Lagged(2), StreamItem::Event(Event::TokenExpired), StreamItem::Event(Event::Ready)];
        assert_eq!(drain(&mut slow), expected);
    }

    #[test]
    fn the_first_stream_has_what_came_before_it() {
        let hub = Hub::new(8);
        hub.publish(&[Event::Ready]);
        let (mut first, mut second) = (hub.events(), hub.events());
        hub.publish(&[Event::TokenExpired]);
        hub.close();
        assert_eq!(
            drain(&mut first),
            [StreamItem::Event(Event::Ready), StreamItem::Event(Event::TokenExpired)]
        );
        assert_eq!(drain(&mut second), [StreamItem::Event(Event::TokenExpired)]);
        assert_eq!(drain(&mut hub.subscribe(None)), []);
    }

    #[test]
    fn a_turn_wakes_a_reader_once() {
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let hub = Hub::new(2);
        let mut events = hub.events();
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        let mut wakes_of = |happened: &[Event]| {
            assert!(Pin::new(&mut events).poll_next(&mut cx).is_pending());
            hub.publish(happened);
            while Pin::new(&mut events).poll_next(&mut cx).is_ready() {}
            count.0.swap(0, Ordering::SeqCst)
        };
        assert_eq!(wakes_of(&[]), 0);
        assert_eq!(wakes_of(&[Event::Ready, Event::TokenExpired]), 1);
        // Also when some of it is lost.
        assert_eq!(wakes_of(&[Event::Ready, Event::TokenExpired, Event::Ready]), 1);
        assert_eq!(wakes_of(&[Event::Ready]), 1);
    }

    #[test]
    fn filters_and_dropped_streams() {
        let hub = Hub::new(8);
        let mut none = hub.subscribe(Some(Box::new(|_| false)));
        drop(hub.events());
        hub.publish(&[Event::Ready]);
        assert_eq!(hub.lock().all.len(), 1);
        hub.close();
        assert_eq!(drain(&mut none), []);
    }
}
