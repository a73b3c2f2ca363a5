//! The methods of a client that ask the service (spec 04 §1.2).

use chat_proto::{
    Call, ChannelSid, ChannelSorting, CreateChannel, GetSubscribedChannels, Identity, Json, PushChannel,
    PushError, PushNotification, Secret, Token, parse_push_notification,
};

use crate::call::CallFuture;
use crate::client::Client;
use crate::error::Error;
use crate::objects::{Bind, Channel, ChannelDescriptor, Paginator, Take, User, UserDescriptor};

impl Client {
    /// Creates a channel. The creator is not a member yet: [`Channel::join`] (spec 03 §7.7).
    pub fn create_channel(&self, options: CreateChannel) -> CallFuture<Channel> {
        self.ask(Call::CreateChannel(options), Channel::take)
    }

    /// Finds a channel among the own ones, else in the directory (spec 03 §7.7). Fails with
    /// [`CallError::Rest`](crate::CallError::Rest) and status 404 when there is none.
    pub fn get_channel_by_sid(&self, sid: impl Into<ChannelSid>) -> CallFuture<Channel> {
        self.ask(Call::GetChannelBySid(sid.into()), Channel::take)
    }

    /// Finds a channel in the directory; without one as [`Client::get_channel_by_sid`].
    pub fn get_channel_by_unique_name(&self, unique_name: impl Into<Box<str>>) -> CallFuture<Channel> {
        self.ask(Call::GetChannelByUniqueName(unique_name.into()), Channel::take)
    }

    /// The channels that this client knows, whatever the own user's status in them: in the order of being known, or sorted,
    /// names by code point (spec 03 §15).
    pub fn get_local_channels(&self, sorting: impl Into<Option<ChannelSorting>>) -> CallFuture<Vec<Channel>> {
        self.ask(Call::GetLocalChannels(sorting.into()), Take::take)
    }

    /// A channel that this client knows, without asking the service.
    pub fn local_channel(&self, sid: &ChannelSid) -> Option<Channel> {
        let channel = self.with_state(|state| state.channel(sid).cloned());
        channel.map(|channel| channel.bind(self))
    }

    /// The own channels, page by page, 50 on each.
    pub fn get_subscribed_channels(&self) -> CallFuture<Paginator<Channel>> {
        self.get_subscribed_channels_with(GetSubscribedChannels::default())
    }

    /// As [`Client::get_subscribed_channels`], with a page size (1 to 100) and an order, which is that of the SIDs.
    pub fn get_subscribed_channels_with(
        &self,
        options: GetSubscribedChannels,
    ) -> CallFuture<Paginator<Channel>> {
        self.ask(Call::GetSubscribedChannels(options), Paginator::take)
    }

    /// The directory of public channels, page by page. It may be seconds old:
    /// [`Config::http_cache_interval`](crate::Config::http_cache_interval) (spec 03 §5.1).
    pub fn get_public_channel_descriptors(&self) -> CallFuture<Paginator<ChannelDescriptor>> {
        self.ask(Call::GetPublicChannelDescriptors, Paginator::take)
    }

    /// The directory of own channels, page by page.
    pub fn get_user_channel_descriptors(&self) -> CallFuture<Paginator<ChannelDescriptor>> {
        self.ask(Call::GetUserChannelDescriptors, Paginator::take)
    }

    /// Subscribes to a person. Too many at once, more than
    /// [`Config::user_infos_to_subscribe`](crate::Config::user_infos_to_subscribe), push out those subscribed first (spec 03
    /// §11.2).
    pub fn get_user(&self, identity: impl Into<Identity>) -> CallFuture<User> {
        self.ask(Call::GetUser(identity.into()), User::take)
    }

    /// The own user and the subscribed ones, the own first.
    pub fn get_subscribed_users(&self) -> CallFuture<Vec<User>> {
        self.ask(Call::GetSubscribedUsers, Take::take)
    }

    /// A person as the directory lists it, without subscribing.
    pub fn get_user_descriptor(&self, identity: impl Into<Identity>) -> CallFuture<UserDescriptor> {
        self.ask(Call::GetUserDescriptor(identity.into()), UserDescriptor::take)
    }

    /// Has this device told of what happens while no client of it is connected. Done when the service has noted it; a new
    /// access token registers it again (spec 03 §17.1).
    pub fn set_push_registration_id(
        &self,
        channel: PushChannel,
        registration_id: impl Into<Box<str>>,
    ) -> CallFuture<()> {
        self.ask(Call::SetPushRegistrationId(channel, Secret::new(registration_id)), Take::take)
    }

    /// Ends that. Sends nothing when there is no registration.
    pub fn unset_push_registration_id(&self, channel: PushChannel) -> CallFuture<()> {
        self.ask(Call::UnsetPushRegistrationId(channel), Take::take)
    }

    /// Reads a push notification as the device got it, and tells of it with
    /// [`Event::PushNotification`](crate::Event::PushNotification).
    pub fn handle_push_notification(&self, payload: Json) -> CallFuture<()> {
        self.ask(Call::HandlePushNotification(payload), Take::take)
    }

    /// Reads a push notification as the device got it: APNS, FCM or GCM (spec 03 §17.2).
    ///
    /// # Errors
    /// The payload is none of Programmable Chat.
    pub fn parse_push_notification(payload: &Json) -> Result<PushNotification, PushError> {
        parse_push_notification(payload)
    }

    /// Puts another access token in use. It must name the same identity. Done when the service has taken it; one that it
    /// refuses leaves the old one in use (spec 01 §4.2).
    pub fn update_token(&self, token: impl Into<Box<str>>) -> CallFuture<()> {
        match Token::new(token) {
            Ok(token) => self.ask(Call::UpdateToken(token), Take::take),
            Err(error) => self.refuse(Error::BadToken(error)),
        }
    }
}
