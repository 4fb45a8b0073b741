//! How a double listens: an HTTP server on a thread of its own, which stops when it is dropped, and the faults that a
//! test asks of a connection.

// A test tool: it may use the machine's clock.
#![allow(clippy::disallowed_methods)]

mod faults;
mod serve;

pub use faults::{answer_late, closed_on_purpose};
pub use serve::{Listener, Server};
