//! The token provider: asked once at a time, and not in a hurry when it fails or what it brings is refused.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chat_proto::Token;
use futures_channel::oneshot;
use smol::Timer;

use crate::error::BoxError;
use crate::log::Log;
use crate::spawn::Spawn;

/// The first wait after a failure; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

type Fetching = Pin<Box<dyn Future<Output = Result<String, BoxError>> + Send>>;

/// Where access tokens come from.
pub(crate) type Provider = Arc<dyn Fn() -> Fetching + Send + Sync>;

/// Fetches tokens when they are wanted.
pub(crate) struct Refresh {
    provider: Provider,
    spawn: Spawn,
    log: Log,
    step: Step,
    /// Failures of the provider, and its tokens that were refused, since one was last good.
    failures: u32,
    last_error: Option<BoxError>,
}

enum Step {
    Idle,
    Waiting(Timer),
    /// In a task of its own: what the provider does, a panic included, is not the driver's trouble.
    Fetching(oneshot::Receiver<Result<String, BoxError>>),
}

impl Refresh {
    pub(crate) fn new(provider: Provider, spawn: Spawn, log: Log) -> Self {
        Self { provider, spawn, log, step: Step::Idle, failures: 0, last_error: None }
    }

    /// A token is wanted; `refused` when the one in use was. Nothing happens when one is on its way already.
    pub(crate) fn want(&mut self, refused: bool) {
        if !matches!(self.step, Step::Idle) {
            return;
        }
        // The first refusal may be of a token that grew old; a second one is of a token that was just fetched.
        let again = refused && self.failures > 0;
        if refused {
            self.failures = self.failures.saturating_add(1);
        }
        if again { self.wait() } else { self.fetch() }
    }

    /// The service took a token.
    pub(crate) fn accepted(&mut self) {
        self.failures = 0;
    }

    /// What the provider last failed with.
    pub(crate) fn take_error(&mut self) -> Option<BoxError> {
        self.last_error.take()
    }

    /// The token, once it is there.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Token> {
        loop {
            match &mut self.step {
                Step::Idle => return Poll::Pending,
                Step::Waiting(timer) => {
                    if Pin::new(timer).poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.fetch();
                }
                Step::Fetching(answer) => {
                    let Poll::Ready(answer) = Pin::new(answer).poll(cx) else {
                        return Poll::Pending;
                    };
                    let token = match answer {
                        Ok(answer) => answer.and_then(|text| Ok(Token::new(text)?)),
                        Err(oneshot::Canceled) => Err("it gave no answer (did it panic?)".into()),
                    };
                    match token {
                        Ok(token) => {
                            self.step = Step::Idle;
                            self.log.debug(format_args!("the token provider brought a token"));
                            return Poll::Ready(token);
                        }
                        Err(error) => {
                            self.failures = self.failures.saturating_add(1);
                            self.last_error = Some(error);
                            self.wait();
                        }
                    }
                }
            }
        }
    }

    fn fetch(&mut self) {
        let (sender, receiver) = oneshot::channel();
        let answer = (self.provider)();
        (self.spawn)(Box::pin(async move {
            // Nobody waits any more when the client has ended.
            let _ = sender.send(answer.await);
        }));
        self.step = Step::Fetching(receiver);
    }

    fn wait(&mut self) {
        let doublings = self.failures.saturating_sub(1).min(6);
        let wait = (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT);
        // Without the error's text: it may hold what must not be seen.
        self.log.warn(format_args!("no good token from the provider, next try in {wait:?}"));
        self.step = Step::Waiting(Timer::after(wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogLevel;
    use crate::spawn::on_smol;
    use smol::block_on;
    use std::future::poll_fn;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn refresh(provider: impl Fn() -> Fetching + Send + Sync + 'static) -> Refresh {
        Refresh::new(Arc::new(provider), on_smol(), Log::new(LogLevel::Silent))
    }

    #[test]
    fn one_at_a_time() {
        let calls = Arc::new(AtomicUsize::new(0));
        let (gate, opened) = oneshot::channel::<()>();
        let opened = Mutex::new(Some(opened));
        let mut refresh = refresh({
            let calls = calls.clone();
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
                let opened = opened.lock().unwrap().take();
                Box::pin(async move {
                    if let Some(opened) = opened {
                        let _ = opened.await;
                    }
                    Ok("token".to_owned())
                })
            }
        });
        block_on(async {
            refresh.want(false);
            refresh.want(false);
            let idle = poll_fn(|cx| Poll::Ready(refresh.poll(cx).is_pending())).await;
            assert!(idle);
            refresh.want(true);
            gate.send(()).unwrap();
            let token = poll_fn(|cx| refresh.poll(cx)).await;
            assert_eq!(token.expose_secret(), "token");
            assert_eq!(calls.load(Ordering::SeqCst), 1);
            refresh.want(false);
            poll_fn(|cx| refresh.poll(cx)).await;
            assert_eq!(calls.load(Ordering::SeqCst), 2);
        });
    }

    #[test]
    fn a_failing_provider_is_asked_again() {
        let calls = AtomicUsize::new(0);
        let mut refresh = refresh(move || {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { if call == 0 { Err("no".into()) } else { Ok("token".to_owned()) } })
        });
        block_on(async {
            refresh.want(false);
            let token = poll_fn(|cx| refresh.poll(cx)).await;
            assert_eq!(token.expose_secret(), "token");
            assert_eq!(refresh.take_error().unwrap().to_string(), "no");
        });
    }

    #[test]
    fn refused_tokens_slow_it_down() {
        let mut refresh = refresh(|| Box::pin(async { Ok("token".to_owned()) }));
        block_on(async {
            refresh.want(true);
            poll_fn(|cx| refresh.poll(cx)).await;
            refresh.want(true);
            assert!(matches!(refresh.step, Step::Waiting(_)));
            refresh.step = Step::Idle;
            refresh.accepted();
            refresh.want(true);
            assert!(matches!(refresh.step, Step::Fetching(_)));
        });
    }
}
