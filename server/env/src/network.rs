//! Listening and connecting.

use std::io;
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::task::ready;
use std::task::{Context, Poll};

#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::{BoxFuture, FileRange};

/// A byte stream between two peers.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Sends some of the first `most` bytes of `range` without reading them into this process, and answers how many;
    /// 0 when the file ends before the range begins. What is not in memory makes the calling thread wait for the
    /// device: see [`FileRange::cached`].
    ///
    /// # Errors
    /// `Unsupported` when this stream, system or file cannot: read the bytes and write them. As `write(2)` and
    /// `pread(2)` else.
    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        range: &FileRange,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let _ = (cx, range, most);
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

impl Stream for TcpStream {
    #[cfg(target_os = "linux")]
    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        range: &FileRange,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        use rustix::io::Errno;
        let most = most.min(range.len());
        let Some(file) = range.file().descriptor() else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        loop {
            ready!(self.poll_write_ready(cx))?;
            let mut offset = range.offset();
            let sent = self.try_io(Interest::WRITABLE, || {
                Ok(rustix::fs::sendfile(&*self, file, Some(&mut offset), most)?)
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Not every file system can.
                Err(error) if Errno::from_io_error(&error).is_some_and(is_refusal) => {
                    return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
                }
                sent => return Poll::Ready(sent),
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn is_refusal(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].contains(&error)
}

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

#[cfg(test)]
#[cfg(target_os = "linux")]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::poll_fn;
    use std::io::IoSlice;
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::{Disk, DiskFile, OpenMode, RealDisk};

    async fn pair() -> (BoxStream, BoxStream) {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = RealNetwork.listen(any).await.unwrap();
        let near = RealNetwork.connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    fn file(dir: &tempfile::TempDir, bytes: &[u8]) -> Arc<dyn DiskFile> {
        let file = RealDisk.open(&dir.path().join("f"), OpenMode::Create).unwrap();
        file.write_at(0, &[IoSlice::new(bytes)]).unwrap();
        file
    }

    async fn send(stream: &mut BoxStream, range: &FileRange, most: usize) -> io::Result<usize> {
        poll_fn(|cx| stream.poll_send_file(cx, range, most)).await
    }

    #[tokio::test]
    async fn a_file_goes_through_a_socket_whole_and_ends_where_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        // More than any socket buffers.
        let bytes: Vec<u8> = (0..20_000_000u32).map(|at| (at % 251) as u8).collect();
        let file = file(&dir, &bytes);
        let (mut near, mut far) = pair().await;
        let mut range = FileRange::new(file, 3, bytes.len());
        let reader = tokio::spawn(async move {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.unwrap();
            got
        });
        loop {
            match send(&mut near, &range, 512 << 10).await.unwrap() {
                0 => break,
                sent => range.advance(sent),
            }
        }
        assert_eq!(range.len(), 3, "the range is longer than the file");
        drop(near);
        assert!(reader.await.unwrap() == bytes[3..]);
    }

    #[tokio::test]
    async fn a_peer_that_went_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let range = FileRange::new(file(&dir, &[7; 1 << 20]), 0, 1 << 20);
        let (mut near, far) = pair().await;
        drop(far);
        // The first bytes may go to nowhere before the peer's answer comes.
        let error = loop {
            if let Err(error) = send(&mut near, &range, 4096).await {
                break error;
            }
        };
        let kinds = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}
