//! The demonstration: two people and the offline service in one process, over real sockets.

mod person;
mod screen;
mod seen;
mod story;
mod verdict;

use chat_testkit::serve::{ServeConfig, Server};

use crate::exit::Failure;
use screen::Screen;

pub(crate) fn run() -> Result<(), Failure> {
    let server = Server::start(ServeConfig::default())
        .map_err(|error| Failure::failed(format!("the offline service cannot start: {error}")))?;
    let screen = Screen::start();
    screen.show("service", ' ', &format!("listens at {}", server.url()));
    let verdict = smol::block_on(story::tell(&server, &screen))?;
    server.stop();
    screen::line("");
    if verdict.agrees() {
        screen::line(&verdict.to_string());
        Ok(())
    } else {
        Err(Failure::failed(verdict))
    }
}
