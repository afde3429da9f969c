//! Listening and connecting.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::BoxFuture;

/// A byte stream between two peers.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A boxed [`Stream`].
pub type BoxStream = Box<dyn Stream>;

/// A connection that a listener took, and who is at its other end.
pub type Accepted = (BoxStream, SocketAddr);

/// Makes listeners and connections.
pub trait Network: Send + Sync {
    /// Listens on `address`; port 0 picks a free one.
    ///
    /// # Errors
    /// As `bind(2)`: the address is taken, not this machine's, or not allowed.
    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>>;

    /// Connects to `address`, without a time limit of its own. Cancel by dropping.
    ///
    /// # Errors
    /// As `connect(2)`.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<BoxStream>>;
}

/// Takes connections.
pub trait Listener: Send + Sync {
    /// The next connection. Cancel by dropping; no connection is lost.
    ///
    /// # Errors
    /// As `accept(2)`. Most are of one connection, or pass (too many open files): try again.
    fn accept(&self) -> BoxFuture<'_, io::Result<Accepted>>;

    /// The address it really listens on.
    ///
    /// # Errors
    /// As `getsockname(2)`.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// TCP with `TCP_NODELAY`: small frames go out at once.
#[derive(Debug, Default)]
pub struct RealNetwork;

/// How many connections may wait to be accepted: a burst of clients must not see refusals.
const BACKLOG: i32 = 1024;

impl Network for RealNetwork {
    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let socket = socket2::Socket::new(
                socket2::Domain::for_address(address),
                socket2::Type::STREAM,
                Some(socket2::Protocol::TCP),
            )?;
            // A restarted server takes its port back while old connections linger in TIME_WAIT.
            socket.set_reuse_address(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            let listener = TcpListener::from_std(socket.into())?;
            Ok(Box::new(RealListener { listener }) as Box<dyn Listener>)
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<BoxStream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxStream)
        })
    }
}

struct RealListener {
    listener: TcpListener,
}

impl Listener for RealListener {
    fn accept(&self) -> BoxFuture<'_, io::Result<Accepted>> {
        Box::pin(async move {
            let (stream, peer) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as BoxStream, peer))
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
