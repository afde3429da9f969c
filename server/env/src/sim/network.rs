//! No network.

use std::io;
use std::net::SocketAddr;

use crate::{BoxFuture, BoxStream, Listener, Network};

/// A machine without a network: listening and connecting fail.
#[derive(Debug, Default)]
pub struct NoNetwork;

impl Network for NoNetwork {
    fn listen(&self, _address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        Box::pin(std::future::ready(Err(io::ErrorKind::NetworkDown.into())))
    }

    fn connect(&self, _address: SocketAddr) -> BoxFuture<'static, io::Result<BoxStream>> {
        Box::pin(std::future::ready(Err(io::ErrorKind::NetworkDown.into())))
    }
}
