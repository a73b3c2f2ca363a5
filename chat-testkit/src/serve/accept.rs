//! Taking connections.

use smol::net::{TcpListener, TcpStream};
use smol::{LocalExecutor, Timer};

use super::listener::ACCEPT_RETRY;

/// Takes connections until it is dropped; they go on side by side, and end with it.
pub(super) async fn each<F: Future<Output = ()>>(listener: TcpListener, connection: impl Fn(TcpStream) -> F) {
    let connections = LocalExecutor::new();
    connections
        .run(async {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => connections.spawn(connection(stream)).detach(),
                    Err(_) => drop(Timer::after(ACCEPT_RETRY).await),
                }
            }
        })
        .await;
}
