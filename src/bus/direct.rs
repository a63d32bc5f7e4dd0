//! The way to a manager without a bus: its own socket, which speaks D-Bus to one peer.
//!
//! Answers what a connection over that socket needs beside the library's own: on it the manager signs its messages with
//! the name that it has on a bus, `org.freedesktop.systemd1`, where the specification knows unique names alone (Message
//! Protocol, header fields, `SENDER`), and the library takes nothing else. Who may use the socket is the kernel's to say.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use zbus::connection::Builder;
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;
use zruntime::{AsyncIo, Shared, SharedRuntime};

use super::MANAGER;

/// The first part of a message, which says how long the others are (Message Format).
const FIXED: usize = 16;
/// The largest header that is read, in bytes. The manager's take about 100.
const MAX_HEADER_BYTES: usize = 1 << 16;

/// Begins a connection to the manager that listens at `path`.
pub(super) fn builder(path: &Path) -> io::Result<Builder<'static>> {
    // A manager that takes nobody in any more would hold who waits for that.
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let io = AsyncIo::new(&SharedRuntime::current()?, UnixStream::from(socket))?;
    Ok(Builder::socket(Direct(io)).p2p())
}

#[derive(Debug)]
struct Direct(AsyncIo<UnixStream, Shared>);

impl Socket for Direct {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> Split<Reader, Writer> {
        let io = Arc::new(self.0);
        let reader = Reader { io: Arc::clone(&io), head: Vec::new(), taken: 0, body: 0 };
        Split::new(reader, Writer(io))
    }
}

/// What the manager sends.
#[derive(Debug)]
struct Reader {
    io: Arc<AsyncIo<UnixStream, Shared>>,
    /// The header of a message with another sender, or a line of the authentication before the first one.
    head: Vec<u8>,
    /// How much of it was handed on.
    taken: usize,
    /// How much is to come of the message's body, which is handed on as it is.
    body: usize,
}

impl Reader {
    async fn some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.read_with(|stream| (&*stream).read(buffer)).await
    }

    /// Reads a header, whole; nothing at the end of the stream.
    async fn next(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.head.clear();
        self.extend(1).await?;
        // The lines of the authentication begin with capitals of other letters.
        if self.head.first().is_some_and(|first| !matches!(first, b'l' | b'B')) {
            while self.head.last() != Some(&b'\n') && self.head.len() < MAX_HEADER_BYTES {
                let length = self.head.len();
                self.extend(length + 1).await?;
                if self.head.len() == length {
                    break;
                }
            }
            return Ok(());
        }
        self.extend(FIXED).await?;
        let Some(lengths) = Lengths::of(&self.head) else { return Ok(()) };
        if lengths.header > MAX_HEADER_BYTES {
            let length = lengths.header;
            let text = format!("a header of {length} bytes, more than {MAX_HEADER_BYTES}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        self.extend(lengths.header).await?;
        self.body = lengths.body;
        sign(&mut self.head);
        Ok(())
    }

    /// Reads until the header has this length, or the stream ends.
    async fn extend(&mut self, length: usize) -> io::Result<()> {
        while self.head.len() < length {
            let mut part = vec![0; length - self.head.len()];
            let read = self.some(&mut part).await?;
            if read == 0 {
                break;
            }
            self.head.extend_from_slice(part.get(..read).unwrap_or_default());
        }
        Ok(())
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        if self.taken == self.head.len() && self.body > 0 {
            let length = buffer.len().min(self.body);
            let read = self.some(buffer.get_mut(..length).unwrap_or_default()).await?;
            self.body -= read;
            return Ok((read, Vec::new()));
        }
        if self.taken == self.head.len() {
            self.next().await?;
        }
        let left = self.head.get(self.taken..).unwrap_or_default();
        let length = left.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(left) {
            *to = *from;
        }
        self.taken += length;
        Ok((length, Vec::new()))
    }
}

/// What goes to the manager.
#[derive(Debug)]
struct Writer(Arc<AsyncIo<UnixStream, Shared>>);

#[async_trait]
impl WriteHalf for Writer {
    async fn sendmsg(&mut self, buffer: &[u8], _: &[BorrowedFd<'_>]) -> io::Result<usize> {
        self.0.write_with(|stream| (&*stream).write(buffer)).await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.get_ref().shutdown(std::net::Shutdown::Both)
    }
}

/// The lengths of the parts of a message, in bytes.
struct Lengths {
    /// Up to the body, padding included.
    header: usize,
    body: usize,
}

impl Lengths {
    /// Those that the fixed part says; nothing where it is not whole.
    fn of(fixed: &[u8]) -> Option<Self> {
        let number = |at: usize| {
            let bytes: [u8; 4] = fixed.get(at..at + 4)?.try_into().ok()?;
            let is_big = fixed.first() == Some(&b'B');
            usize::try_from(if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }).ok()
        };
        Some(Self { header: FIXED.checked_add(number(12)?)?.checked_next_multiple_of(8)?, body: number(4)? })
    }
}

/// The code of the field, and its type.
const SENDER: [u8; 4] = [7, 1, b's', 0];

/// Writes `:rg.freedesktop.systemd1`, which is a unique name, where the sender is `org.freedesktop.systemd1`.
fn sign(header: &mut [u8]) {
    let mut field = SENDER.to_vec();
    let length = u32::try_from(MANAGER.len()).unwrap_or_default();
    let length = if header.first() == Some(&b'B') { length.to_be_bytes() } else { length.to_le_bytes() };
    field.extend(length);
    let name = field.len();
    field.extend(MANAGER.as_bytes());
    field.push(0);
    // Fields are aligned to 8 bytes, and no other one's text holds such bytes there: it would hold zeros.
    let found = header
        .chunks(8)
        .enumerate()
        .map(|(place, _)| place * 8)
        .find(|place| header.get(*place..).is_some_and(|rest| rest.starts_with(&field)));
    if let Some(first) = found.and_then(|place| header.get_mut(place + name)) {
        *first = b':';
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use anyhow::Context as _;
    use zbus::Message;

    use super::*;

    /// A reply of systemd's on its own socket.
    fn signed(body: &str) -> anyhow::Result<Vec<u8>> {
        let call = Message::method_call("/", "Do").build(&())?;
        let stand_in = format!(":{}", MANAGER.get(1..).unwrap_or_default());
        let reply = Message::method_return(&call.header()).sender(stand_in.as_str()).build(&body)?;
        let mut bytes = reply.data().to_vec();
        let place =
            bytes.windows(stand_in.len()).position(|part| part == stand_in.as_bytes()).context("a sender")?;
        bytes[place] = b'o';
        Ok(bytes)
    }

    #[test]
    fn the_senders_name_becomes_a_unique_one_wherever_the_stream_is_cut() -> anyhow::Result<()> {
        let body = "x".repeat(100_000);
        let messages = [signed(&body)?, signed(MANAGER)?];
        let sent = [b"OK 0123456789abcdef0123456789abcdef\r\n".to_vec(), messages.concat()].concat();
        let mut expected = sent.clone();
        let bytes = MANAGER.as_bytes();
        let places: Vec<usize> = (0..sent.len()).filter(|place| sent[*place..].starts_with(bytes)).collect();
        // Two senders, and a body that is none.
        let [first, second, _] = places[..] else { anyhow::bail!("{places:?}") };
        expected[first] = b':';
        expected[second] = b':';

        for size in [1, 7, 16, 4096] {
            let (mut theirs, ours) = UnixStream::pair()?;
            let sent = sent.clone();
            let sending = std::thread::spawn(move || theirs.write_all(&sent));
            let received = zbus::block_on(async {
                let io = AsyncIo::new(&SharedRuntime::current()?, ours)?;
                let (mut reader, _writer) = Direct(io).split().take();
                let mut received = Vec::new();
                let mut buffer = vec![0; size];
                loop {
                    match reader.recvmsg(&mut buffer).await? {
                        (0, _) => return Ok::<_, anyhow::Error>(received),
                        (length, _) => received.extend_from_slice(&buffer[..length]),
                    }
                }
            })?;
            sending.join().map_err(|_| anyhow::anyhow!("sending panicked"))??;
            assert!(received == expected, "{size}");
        }
        Ok(())
    }

    #[test]
    fn a_header_is_bounded() {
        let mut fixed = [0; FIXED];
        fixed[0] = b'l';
        fixed[4] = 9;
        fixed[12..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(
            Lengths::of(&fixed).is_none_or(|lengths| lengths.header > MAX_HEADER_BYTES && lengths.body == 9)
        );
        assert!(Lengths::of(&fixed[..12]).is_none());
    }
}
