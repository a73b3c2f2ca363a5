//! Media: uploaded before their message is sent, fetched through temporary addresses (spec 03 §18).
//!
//! A transfer goes `transfers` → the host → `transferred`, which takes the call's next step.

#![expect(
    clippy::result_large_err,
    reason = "an `Err` is a step like any other: it leaves early, it is no failure"
)]

mod record;
#[cfg(test)]
mod tests;
mod transfers;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::Chat;
use super::begin::Step;
use super::calls::{Progress, Wait};
use super::commands::SessionCommand;
use crate::call::{Call, CallId, SendMedia};
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Event, Reply};
use crate::http::{HttpBody, HttpFailure, HttpId, HttpMethod, HttpReply, HttpRequest, MediaId};
use crate::model::MediaSid;
use crate::secret::Secret;
use crate::twilsock::encode_component;

pub(super) use transfers::{Ended, Transfers};

impl Chat {
    // ---- the first steps of calls

    pub(super) fn upload_step(&mut self, cx: &mut Cx, id: CallId, send: &SendMedia) -> Result<Step, Step> {
        let SendMedia { media, content_type, filename, .. } = send;
        let mut headers = self.media_headers()?;
        headers.push(("Content-Type".into(), Secret::new(content_type.clone())));
        let mut url = self.media_url(cx, None)?;
        // Raw uploads of this release have no name for a file; later releases of the reference client send it like this.
        if let Some(filename) = filename {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str("Filename=");
            url.push_str(&encode_component(filename));
        }
        let body = HttpBody::Media(*media);
        Ok(self.transfer(cx, id, HttpMethod::Post, Secret::new(url), headers, body, None))
    }

    /// Asks about media: their temporary address is in the answer.
    pub(super) fn media_step(&mut self, cx: &mut Cx, id: CallId, media: &MediaSid) -> Result<Step, Step> {
        self.need_ready()?;
        let (url, headers) = (self.media_url(cx, Some(media))?, self.media_headers()?);
        Ok(self.transfer(cx, id, HttpMethod::Get, Secret::new(url), headers, HttpBody::Empty, None))
    }

    /// Fetches media. The token stays at home: the temporary address lets in by itself, and may lead anywhere.
    fn content_step(&mut self, cx: &mut Cx, id: CallId, url: Secret, to: MediaId) -> Step {
        self.transfer(cx, id, HttpMethod::Get, url, Vec::new(), HttpBody::Empty, Some(to))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a request")]
    fn transfer(
        &mut self,
        cx: &mut Cx,
        id: CallId,
        method: HttpMethod,
        url: Secret,
        headers: Vec<(Box<str>, Secret)>,
        body: HttpBody,
        to: Option<MediaId>,
    ) -> Step {
        let max_body = cx.config.limits.http_body_bytes;
        self.calls.wait(id, Wait::Transfer);
        self.transfers.start(cx, id, HttpRequest { method, url, headers, body, to, max_body }, self.online);
        Step::Taken
    }

    fn media_headers(&self) -> Result<Vec<(Box<str>, Secret)>, Step> {
        let token = self.token.as_ref().ok_or(Step::Wait(Wait::Ready))?;
        let token = Secret::new(token.expose_secret());
        Ok([("X-Twilio-Token".into(), token)].into())
    }

    /// The media service, or one thing of it.
    fn media_url(&self, cx: &Cx, media: Option<&MediaSid>) -> Result<String, Step> {
        let context = self.context.as_ref().ok_or(Step::Wait(Wait::Ready))?;
        let link = context.links.media_service.as_deref().ok_or(CallError::NoMediaService)?;
        let mut url = String::from(cx.config.media_base());
        url.push_str(link.trim_end_matches('/'));
        if let Some(media) = media {
            url.push('/');
            url.push_str(&encode_component(media.as_str()));
        }
        Ok(url)
    }

    // ---- from the host

    pub(crate) fn http_progress(&mut self, cx: &mut Cx, http: HttpId, bytes: u64) {
        let Some(id) = self.transfers.progress(cx, http, bytes) else { return };
        self.calls.moved(cx, id);
        let Some(pending) = self.calls.get(id) else { return };
        let event = match (&pending.call, &pending.progress) {
            (Call::SendMedia(_), _) => Event::UploadProgress { call: id, sent: bytes },
            (Call::DownloadMedia { .. }, Progress::Content { size, .. }) => {
                Event::DownloadProgress { call: id, received: bytes, size: *size }
            }
            _ => return,
        };
        // The next one tells it as well.
        if !cx.events.is_full() {
            cx.events.push(event);
        }
    }

    pub(crate) fn http_done(&mut self, cx: &mut Cx, http: HttpId, result: Result<HttpReply, HttpFailure>) {
        let ended = self.transfers.done(cx, http, result, self.online);
        self.transfer_ended(cx, ended);
        self.settle(cx);
    }

    pub(super) fn transfer_ended(&mut self, cx: &mut Cx, ended: Option<Ended>) {
        if let Some((id, result)) = ended {
            self.transferred(cx, id, result);
        }
        self.transfers.flush(cx, self.online);
    }

    /// The next step of the call whose transfer ended.
    fn transferred(&mut self, cx: &mut Cx, id: CallId, result: Result<HttpReply, CallError>) {
        let Some(pending) = self.calls.get(id) else { return };
        let (call, progress) = (pending.call.clone(), pending.progress.clone());
        let step = match (call, result) {
            (_, Err(error)) => error.into(),
            (Call::SendMedia(send), Ok(reply)) => match record::uploaded(&reply) {
                Ok(media) => {
                    self.echo_uploaded(&send.channel, id, &media);
                    Step::Command(SessionCommand::SendMediaMessage {
                        channel: send.channel,
                        media,
                        attributes: send.attributes,
                    })
                }
                Err(error) => error.into(),
            },
            (Call::GetMediaUrl(_), Ok(reply)) => match record::record(&reply, &cx.config.media_base()) {
                Ok(record) => Reply::MediaUrl(record.url).into(),
                Err(error) => error.into(),
            },
            (Call::DownloadMedia { media, to }, Ok(reply)) => {
                self.downloaded(cx, id, &progress, &reply, &media, to)
            }
            _ => CallError::BadAnswer("an answer came that was not asked for".into()).into(),
        };
        self.take(cx, id, step);
    }

    /// Either the media were described, or they were fetched.
    fn downloaded(
        &mut self,
        cx: &mut Cx,
        id: CallId,
        progress: &Progress,
        reply: &HttpReply,
        media: &MediaSid,
        to: MediaId,
    ) -> Step {
        match *progress {
            // An address that ended meanwhile is asked for once more.
            Progress::Content { renewed: false, .. } if matches!(reply.status, 401 | 403 | 404 | 410) => {
                self.calls.progress(id, Progress::Renewing);
                self.media_step(cx, id, media).unwrap_or_else(|step| step)
            }
            Progress::Content { .. } => match record::content(reply) {
                Ok(()) => Reply::Done.into(),
                Err(error) => error.into(),
            },
            _ => match record::record(reply, &cx.config.media_base()) {
                Ok(record) => {
                    let renewed = *progress == Progress::Renewing;
                    self.calls.progress(id, Progress::Content { size: record.size, renewed });
                    self.content_step(cx, id, record.url, to)
                }
                Err(error) => error.into(),
            },
        }
    }
}
