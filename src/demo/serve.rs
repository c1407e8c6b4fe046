//! Puts a stand-in on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// Serves on the loopback address, on any free port where `port` is 0, for as long as the runtime
/// lives. Gives the address.
pub async fn serve(router: Router, port: u16) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    // Answers come in one piece; waiting to fill packets would only add 40 ms here and there.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
