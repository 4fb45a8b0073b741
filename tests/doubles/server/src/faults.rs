use std::io;
use std::time::Duration;

/// Holds an answer back for as long as the test asked. It is the fault itself, and nothing is synchronised by it.
/// Without a delay no runtime is needed.
pub async fn answer_late(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// The error of an answer or of its body with which the connection breaks, as the test asked.
pub fn closed_on_purpose() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the double closes this connection on purpose",
    )
}
