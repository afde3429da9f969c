use std::io::IoSlice;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use tidemill_env::{Network, OpenMode, RealNetwork, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, DuplexStream, ReadBuf};

use super::*;

/// A stream that only takes bytes, as an encrypted one would be.
struct Plain(DuplexStream);

impl Stream for Plain {}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

async fn pair() -> (BoxStream, BoxStream) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = RealNetwork.listen(any).await.unwrap();
    let near = RealNetwork.connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

/// More than any socket buffers.
const MUCH: usize = 24 << 20;

fn content() -> Vec<u8> {
    (0..MUCH).map(|at| (at % 251) as u8).collect()
}

fn range(dir: &Path, content: &[u8], len: usize) -> FileRange {
    let file = Env::real().disk.open(&dir.join("f"), OpenMode::Create).unwrap();
    file.write_at(0, &[IoSlice::new(content)]).unwrap();
    FileRange::new(file, 1, len)
}

fn patience(memory: usize) -> Patience {
    Patience {
        silence: Duration::from_secs(60),
        memory: Arc::new(Room::new(memory)),
    }
}

/// Sends bytes and files in turn, and answers what came and what should have.
async fn sent(near: BoxStream, mut far: impl AsyncRead + Unpin + Send + 'static) -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let content = content();
    let range = range(dir.path(), &content, MUCH - 1);
    let mut short = range.clone();
    short.advance(MUCH - 101);
    let mut frames = VecDeque::from([
        Piece::from(Bytes::from_static(b"head")),
        Piece::File(range),
        Piece::File(short),
        Piece::from(Bytes::from_static(b"tail")),
    ]);
    let reader = tokio::spawn(async move {
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        got
    });
    let mut near = near;
    write_all(&mut near, &mut frames, &Env::real(), &patience(0))
        .await
        .unwrap();
    assert!(frames.is_empty());
    drop(near);
    let due = [b"head", &content[1..], &content[MUCH - 100..], b"tail"].concat();
    (reader.await.unwrap(), due)
}

#[tokio::test]
async fn files_and_bytes_come_in_order() {
    let (near, far) = pair().await;
    let (got, due) = sent(near, far).await;
    assert!(got == due);
}

#[tokio::test]
async fn a_stream_that_cannot_send_files_gets_their_bytes() {
    let (near, far) = tokio::io::duplex(100_000);
    let (got, due) = sent(Box::new(Plain(near)), far).await;
    assert!(got == due);
}

#[tokio::test]
async fn files_that_wait_for_a_peer_hold_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let content = content();
    let pieces = [
        (Piece::File(range(dir.path(), &content, MUCH - 1)), false),
        (Piece::from(Bytes::from(content)), true),
    ];
    for (piece, counts) in pieces {
        let (mut near, _deaf) = pair().await;
        let patience = patience(2 * MUCH);
        let env = Env::real();
        let mut frames = VecDeque::from([piece]);
        {
            let mut waiting = std::pin::pin!(write_all(&mut near, &mut frames, &env, &patience));
            assert!(
                waiting.as_mut().now_or_never().is_none(),
                "the peer takes nothing"
            );
            assert_eq!(patience.memory.try_take(2 * MUCH).is_none(), counts);
        }
        assert!(patience.memory.try_take(2 * MUCH).is_some(), "given back");
    }
}

#[tokio::test]
async fn a_file_that_was_cut_ends_the_connection() {
    for plain in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let range = range(dir.path(), &[7; 1000], 2000);
        let (near, _far) = tokio::io::duplex(100_000);
        let (mut stream, _peer) = pair().await;
        if plain {
            stream = Box::new(Plain(near));
        }
        let mut frames = VecDeque::from([Piece::File(range)]);
        let sent = write_all(&mut stream, &mut frames, &Env::real(), &patience(0)).await;
        assert!(matches!(sent, Err(ReadEnd::Stored(_))), "{sent:?}");
    }
}
