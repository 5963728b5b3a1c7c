//! One connection to a gateway: opened with a first call that proves that both speak the same, then used call by call.

use std::cell::RefCell;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::rc::Rc;
use std::time::Duration;

use hbase_thrift::hbase::{HbaseSyncClient, IOError, IllegalArgument, THbaseSyncClient, TThriftServerType};
use thrift::protocol::{TBinaryOutputProtocol, TInputProtocol, TMessageType, TType};
use thrift::{ApplicationErrorKind, TThriftClient};

use super::failure::Failure;
use super::mutate::{self, Mutations};
use super::wire::{Input, Output, Wire};

/// How long the first call may take at most: the gateway answers it by itself.
const FIRST_CALL: Duration = Duration::from_secs(5);
/// How long a look takes whether a gateway speaks the other transport.
const OTHER_TRANSPORT: Duration = Duration::from_secs(2);

/// The generated client on our own transport.
pub(super) type Client = HbaseSyncClient<Input, TBinaryOutputProtocol<Output>>;

/// An open connection.
pub(super) struct Connection {
    wire: Rc<RefCell<Wire>>,
    client: Client,
    timeout: Duration,
}

impl Connection {
    /// Connects to `host:port` and makes the first call.
    ///
    /// Errors: `Never` when what answers there is no Thrift1 gateway, or speaks the other transport.
    pub(super) fn open(address: &str, framed: bool, timeout: Duration) -> Result<Self, Failure> {
        let failure = match Connection::try_open(address, framed, timeout) {
            Ok(connection) => return Ok(connection),
            Err(Failed::ToConnect(error)) => {
                return Err(Failure::Lost { why: format!("{address}: {error}"), late: false });
            }
            Err(Failed::FirstCall(failure)) => failure,
        };
        let (ours, other) = if framed { ("framed", "buffered") } else { ("buffered", "framed") };
        match failure {
            // Not a word: look whether the other transport is understood.
            Failure::Lost { why, late } => {
                let other_timeout = timeout.min(OTHER_TRANSPORT);
                match Connection::try_open(address, !framed, other_timeout) {
                    Ok(_) => Err(Failure::Never(format!(
                        "the gateway {address} speaks the {other} transport, this client the {ours} one: set framed = {} \
                         in [hbase]",
                        !framed
                    ))),
                    Err(_) => Err(Failure::Lost {
                        why: format!(
                            "{address}: {why} on the first call (it hangs, has no thread left for another \
                             connection (hbase.thrift.minWorkerThreads), is no Thrift gateway of HBase, or wants another \
                             transport or protocol than {ours} and binary)"
                        ),
                        late,
                    }),
                }
            }
            Failure::NotNow(why) => Err(Failure::NotNow(format!("{address}: {why}"))),
            Failure::Never(why) => Err(Failure::Never(format!("{address}: {why}"))),
            Failure::Exists => Err(failure),
        }
    }

    fn try_open(address: &str, framed: bool, timeout: Duration) -> Result<Self, Failed> {
        let first_call = timeout.min(FIRST_CALL);
        let stream = connect(address, first_call).map_err(Failed::ToConnect)?;
        let wire = Wire::new(stream, framed, timeout).map_err(Failed::ToConnect)?;
        let wire = Rc::new(RefCell::new(wire));
        let output = TBinaryOutputProtocol::new(Output(wire.clone()), true);
        let client = Client::new(Input(wire.clone()), output);
        let mut connection = Connection { wire, client, timeout };
        connection.wire.borrow_mut().begin(first_call);
        match connection.client.get_thrift_server_type() {
            Ok(TThriftServerType::ONE) => Ok(connection),
            Ok(_) => Err(Failed::FirstCall(Failure::Never(
                "it speaks Thrift2; what is needed is the Thrift1 gateway (`hbase thrift start`)".to_owned(),
            ))),
            // Gateways of HBase 1 do not know the question, which is an answer as well.
            Err(thrift::Error::Application(error)) if error.kind == ApplicationErrorKind::UnknownMethod => {
                Ok(connection)
            }
            Err(error) => Err(Failed::FirstCall(Failure::of(error))),
        }
    }

    /// The client for one call, whose time begins now.
    pub(super) fn client(&mut self) -> &mut Client {
        self.wire.borrow_mut().begin(self.timeout);
        &mut self.client
    }

    /// Writes the cells of one encoded call.
    pub(super) fn mutate_rows(&mut self, call: &Mutations) -> thrift::Result<()> {
        {
            let mut wire = self.wire.borrow_mut();
            wire.begin(self.timeout);
            wire.send(call.message())?;
        }
        let input = self.client.i_prot_mut();
        let head = input.read_message_begin()?;
        if head.message_type == TMessageType::Exception {
            return Err(thrift::Error::Application(thrift::Error::read_application_error_from_in_protocol(
                input,
            )?));
        }
        if head.sequence_number != mutate::SEQUENCE_NUMBER || head.name != call.method() {
            return Err(thrift::new_application_error(
                ApplicationErrorKind::BadSequenceId,
                format!("{} {}", head.name, head.sequence_number),
            ));
        }
        read_nothing(input)
    }
}

/// The result of a method that returns nothing: an empty structure, or one that holds an exception.
fn read_nothing(input: &mut dyn TInputProtocol) -> thrift::Result<()> {
    let mut outcome = Ok(());
    loop {
        let field = input.read_field_begin()?;
        match (field.field_type, field.id) {
            (TType::Stop, _) => return outcome,
            (TType::Struct, Some(1)) => {
                outcome = Err(IOError::read_from_in_protocol(input)?.into());
            }
            (TType::Struct, Some(2)) => {
                outcome = Err(IllegalArgument::read_from_in_protocol(input)?.into());
            }
            (other, _) => input.skip(other)?,
        }
    }
}

enum Failed {
    ToConnect(io::Error),
    FirstCall(Failure),
}

fn connect(address: &str, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = None;
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}
