//! Bytes to and from a gateway: one socket with a deadline for each call, plain or framed, and the binary protocol read
//! with limits.
//!
//! The reader of the `thrift` crate trusts every length it is sent: a peer that speaks something else makes it allocate
//! gigabytes or panic. This one refuses what no gateway sends.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use thrift::protocol::{
    TFieldIdentifier, TInputProtocol, TListIdentifier, TMapIdentifier, TMessageIdentifier, TMessageType,
    TSetIdentifier, TStructIdentifier, TType,
};
use thrift::{ProtocolError, ProtocolErrorKind};

/// Longest single value or frame that is read.
const BYTES_MAX: usize = 256 << 20;
/// Most elements in one list of an answer.
const ELEMENTS_MAX: i32 = 1_000_000;
const BUFFER_BYTES: usize = 64 << 10;

/// A socket to a gateway.
pub(super) struct Wire {
    stream: TcpStream,
    framed: bool,
    out: Vec<u8>,
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
    /// Bytes of the current frame that are still to be read.
    frame_left: usize,
    timeout: Duration,
    deadline: Instant,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, framed: bool, timeout: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Wire {
            stream,
            framed,
            out: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            at: 0,
            end: 0,
            frame_left: 0,
            timeout,
            deadline: Instant::now() + timeout,
        })
    }

    /// The next call has so long from now on, over all its reads and writes.
    pub(super) fn begin(&mut self, timeout: Duration) {
        self.out.clear();
        self.timeout = timeout;
        self.deadline = Instant::now() + timeout;
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.late()) } else { Ok(left) }
    }

    fn late(&self) -> io::Error {
        let text = format!("no answer within {} ms", self.timeout.as_millis());
        io::Error::new(io::ErrorKind::TimedOut, text)
    }

    /// A socket whose timeout is over says "would block" on Unix.
    fn told(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.late(),
            _ => error,
        }
    }

    /// Sends a whole message.
    pub(super) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut head = [0; 4];
        if self.framed {
            let len =
                i32::try_from(message.len()).map_err(|_| io::Error::other("the message is too long"))?;
            head = len.to_be_bytes();
        }
        let mut parts: [&[u8]; 2] = [if self.framed { &head } else { &[] }, message];
        for part in &mut parts {
            while !part.is_empty() {
                self.stream.set_write_timeout(Some(self.left()?))?;
                match self.stream.write(part) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => *part = &part[written..],
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.told(error)),
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(into) {
                Ok(0) => {
                    let text = "the gateway closed the connection";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
                }
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.told(error)),
            }
        }
    }

    fn read_raw(&mut self, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            if self.at == self.end {
                if into.len() >= BUFFER_BYTES {
                    let read = self.receive(into)?;
                    into = &mut into[read..];
                    continue;
                }
                let mut buffer = std::mem::take(&mut self.buffer);
                let read = self.receive(&mut buffer);
                self.buffer = buffer;
                (self.at, self.end) = (0, read?);
            }
            let take = into.len().min(self.end - self.at);
            let (now, later) = into.split_at_mut(take);
            now.copy_from_slice(&self.buffer[self.at..self.at + take]);
            self.at += take;
            into = later;
        }
        Ok(())
    }

    fn read(&mut self, mut into: &mut [u8]) -> thrift::Result<()> {
        if !self.framed {
            return Ok(self.read_raw(into)?);
        }
        while !into.is_empty() {
            if self.frame_left == 0 {
                let mut head = [0; 4];
                self.read_raw(&mut head)?;
                let len = i32::from_be_bytes(head);
                self.frame_left = usize::try_from(len)
                    .ok()
                    .filter(|len| (1..=BYTES_MAX).contains(len))
                    .ok_or_else(|| bad(format!("a frame of {len} bytes")))?;
            }
            let take = into.len().min(self.frame_left);
            let (now, later) = into.split_at_mut(take);
            self.read_raw(now)?;
            self.frame_left -= take;
            into = later;
        }
        Ok(())
    }
}

fn bad(what: String) -> thrift::Error {
    thrift::Error::Protocol(ProtocolError {
        kind: ProtocolErrorKind::InvalidData,
        message: format!("the answer is not of the binary protocol of Thrift: {what}"),
    })
}

/// Collects one message and sends it when told that it is whole.
pub(super) struct Output(pub(super) Rc<RefCell<Wire>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut wire = self.0.borrow_mut();
        let message = std::mem::take(&mut wire.out);
        let sent = wire.send(&message);
        wire.out = message;
        wire.out.clear();
        sent
    }
}

/// Reads the strict binary protocol.
pub(super) struct Input(pub(super) Rc<RefCell<Wire>>);

impl Input {
    fn array<const N: usize>(&mut self) -> thrift::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.borrow_mut().read(&mut bytes)?;
        Ok(bytes)
    }

    fn kind(&mut self) -> thrift::Result<TType> {
        let [byte] = self.array()?;
        Ok(match byte {
            0 => TType::Stop,
            1 => TType::Void,
            2 => TType::Bool,
            3 => TType::I08,
            4 => TType::Double,
            6 => TType::I16,
            8 => TType::I32,
            10 => TType::I64,
            11 => TType::String,
            12 => TType::Struct,
            13 => TType::Map,
            14 => TType::Set,
            15 => TType::List,
            other => return Err(bad(format!("a value of type {other}"))),
        })
    }

    fn elements(&mut self) -> thrift::Result<i32> {
        let count = self.read_i32()?;
        if (0..=ELEMENTS_MAX).contains(&count) { Ok(count) } else { Err(bad(format!("{count} elements"))) }
    }
}

impl TInputProtocol for Input {
    fn read_message_begin(&mut self) -> thrift::Result<TMessageIdentifier> {
        let head: [u8; 4] = self.array()?;
        if head[..2] != [0x80, 0x01] {
            return Err(bad(format!("it begins with the bytes {}", head.escape_ascii())));
        }
        let kind = TMessageType::try_from(head[3])?;
        let name = self.read_string()?;
        Ok(TMessageIdentifier::new(name, kind, self.read_i32()?))
    }

    fn read_message_end(&mut self) -> thrift::Result<()> {
        Ok(())
    }

    fn read_struct_begin(&mut self) -> thrift::Result<Option<TStructIdentifier>> {
        Ok(None)
    }

    fn read_struct_end(&mut self) -> thrift::Result<()> {
        Ok(())
    }

    fn read_field_begin(&mut self) -> thrift::Result<TFieldIdentifier> {
        let kind = self.kind()?;
        let id = if kind == TType::Stop { 0 } else { self.read_i16()? };
        Ok(TFieldIdentifier::new::<Option<String>, String, i16>(None, kind, id))
    }

    fn read_field_end(&mut self) -> thrift::Result<()> {
        Ok(())
    }

    fn read_bool(&mut self) -> thrift::Result<bool> {
        Ok(self.array()? != [0])
    }

    fn read_bytes(&mut self) -> thrift::Result<Vec<u8>> {
        let len = self.read_i32()?;
        let Some(len) = usize::try_from(len).ok().filter(|len| *len <= BYTES_MAX) else {
            return Err(bad(format!("a text of {len} bytes")));
        };
        let mut bytes = vec![0; len];
        self.0.borrow_mut().read(&mut bytes)?;
        Ok(bytes)
    }

    fn read_i8(&mut self) -> thrift::Result<i8> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    fn read_i16(&mut self) -> thrift::Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    fn read_i32(&mut self) -> thrift::Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn read_i64(&mut self) -> thrift::Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    fn read_double(&mut self) -> thrift::Result<f64> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    fn read_string(&mut self) -> thrift::Result<String> {
        // Java cuts texts where it likes; what is only shown need not be perfect.
        Ok(String::from_utf8_lossy(&self.read_bytes()?).into_owned())
    }

    fn read_list_begin(&mut self) -> thrift::Result<TListIdentifier> {
        let kind = self.kind()?;
        Ok(TListIdentifier::new(kind, self.elements()?))
    }

    fn read_list_end(&mut self) -> thrift::Result<()> {
        Ok(())
    }

    fn read_set_begin(&mut self) -> thrift::Result<TSetIdentifier> {
        let kind = self.kind()?;
        Ok(TSetIdentifier::new(kind, self.elements()?))
    }

    fn read_set_end(&mut self) -> thrift::Result<()> {
        Ok(())
    }

    fn read_map_begin(&mut self) -> thrift::Result<TMapIdentifier> {
        let (key, value) = (self.kind()?, self.kind()?);
        Ok(TMapIdentifier::new(key, value, self.elements()?))
    }

    fn read_map_end(&mut self) -> thrift::Result<()> {
        Ok(())
    }

    fn read_byte(&mut self) -> thrift::Result<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }
}
