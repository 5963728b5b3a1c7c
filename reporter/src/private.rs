//! What `#[trace_node]` expands to. Not for others: it may change with every version.
//!
//! Arguments and results are of types the attribute does not know. Methods of [`Probe`] and [`Failure`] are found by the compiler at the
//! first reference that has them: what can be serialised is, what has a `Debug` form is that, else the name of the type is reported.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;

pub use crate::exception::Exception;
pub use crate::node::NodeRun;
pub use crate::payload::{Describe, Member, Stop, Writer};

use serde::Serialize;

/// A value of any type.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// How a value is written.
#[derive(Debug)]
pub struct Described<'a, T: ?Sized, How>(&'a T, PhantomData<How>);

/// By its `Serialize`.
#[derive(Debug)]
pub struct Serialized;
/// By its `Debug`.
#[derive(Debug)]
pub struct Debugged;
/// By its type alone.
#[derive(Debug)]
pub struct Named;

impl<T: Serialize + ?Sized> Describe for Described<'_, T, Serialized> {
    fn describe(&self, writer: &mut Writer<'_>) -> Result<(), Stop> {
        self.0.describe(writer)
    }
}

impl<T: Debug + ?Sized> Describe for Described<'_, T, Debugged> {
    fn describe(&self, writer: &mut Writer<'_>) -> Result<(), Stop> {
        writer.text(format_args!("{:?}", self.0))
    }
}

impl<T: ?Sized> Describe for Described<'_, T, Named> {
    fn describe(&self, writer: &mut Writer<'_>) -> Result<(), Stop> {
        writer.text(format_args!("{}", std::any::type_name::<T>()))
    }
}

/// First choice.
pub trait BySerialize<'a, T: ?Sized> {
    /// The value.
    fn described(&self) -> Described<'a, T, Serialized>;
}

impl<'a, T: Serialize + ?Sized> BySerialize<'a, T> for &&Probe<'a, T> {
    fn described(&self) -> Described<'a, T, Serialized> {
        Described(self.0, PhantomData)
    }
}

/// Second choice.
pub trait ByDebug<'a, T: ?Sized> {
    /// The value.
    fn described(&self) -> Described<'a, T, Debugged>;
}

impl<'a, T: Debug + ?Sized> ByDebug<'a, T> for &Probe<'a, T> {
    fn described(&self) -> Described<'a, T, Debugged> {
        Described(self.0, PhantomData)
    }
}

/// What is always there.
pub trait ByName<'a, T: ?Sized> {
    /// The value.
    fn described(&self) -> Described<'a, T, Named>;
}

impl<'a, T: ?Sized> ByName<'a, T> for Probe<'a, T> {
    fn described(&self) -> Described<'a, T, Named> {
        Described(self.0, PhantomData)
    }
}

/// The `Err` of a result of any type.
#[derive(Debug)]
pub struct Failure<'a, T: ?Sized>(pub &'a T);

/// First choice: an error with its causes.
pub trait FailureOfError {
    /// What is reported.
    fn exception(&self) -> Exception;
}

impl<E: Error> FailureOfError for &&&&Failure<'_, E> {
    fn exception(&self) -> Exception {
        Exception::of_type(self.0)
    }
}

/// Second choice: what holds an error, as `anyhow::Error` and boxes do.
pub trait FailureOfHolder {
    /// What is reported.
    fn exception(&self) -> Exception;
}

impl<E: AsRef<dyn Error + Send + Sync>> FailureOfHolder for &&&Failure<'_, E> {
    fn exception(&self) -> Exception {
        Exception::of(self.0.as_ref())
    }
}

/// Third choice.
pub trait FailureOfDisplay {
    /// What is reported.
    fn exception(&self) -> Exception;
}

impl<E: Display + ?Sized> FailureOfDisplay for &&Failure<'_, E> {
    fn exception(&self) -> Exception {
        Exception::displayed(self.0)
    }
}

/// Fourth choice.
pub trait FailureOfDebug {
    /// What is reported.
    fn exception(&self) -> Exception;
}

impl<E: Debug + ?Sized> FailureOfDebug for &Failure<'_, E> {
    fn exception(&self) -> Exception {
        Exception::displayed(&format_args!("{:?}", self.0))
    }
}

/// What is always there.
pub trait FailureOfAny {
    /// What is reported.
    fn exception(&self) -> Exception;
}

impl<E: ?Sized> FailureOfAny for Failure<'_, E> {
    fn exception(&self) -> Exception {
        Exception::default().with_type(std::any::type_name::<E>())
    }
}

struct Object<'a>(&'a [Member<'a>]);

impl Describe for Object<'_> {
    fn describe(&self, writer: &mut Writer<'_>) -> Result<(), Stop> {
        writer.object(self.0)
    }
}

/// Starts a node of the reporter of the process; without members it has no input.
pub fn start(name: &str, input: &[Member<'_>], bytes_max: Option<usize>) -> NodeRun {
    let node = crate::node(name);
    if input.is_empty() { node.start(()) } else { node.start_described(&Object(input), bytes_max) }
}

/// Ends a node that is done.
pub fn complete(run: NodeRun, output: Option<&dyn Describe>, bytes_max: Option<usize>) {
    match output {
        Some(output) => run.complete_described(output, bytes_max),
        None => run.complete(()),
    }
}

/// Ends a node that failed; the error is asked only if somebody listens.
pub fn fail(run: NodeRun, exception: impl FnOnce() -> Exception) {
    let exception = run.is_reported().then(exception);
    run.failed(exception, ());
}

/// The text of the outcome of a decision.
pub fn case(run: NodeRun, outcome: &dyn Display) -> NodeRun {
    let text = crate::exception::bounded_text(format_args!("{outcome}"), 1_024);
    run.case(text)
}
