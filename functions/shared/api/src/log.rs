use serde_json::{Map, Value};

/// Writes one JSON object as a line on stderr: `level` (`info`, `warn`, `error`), `message` and `facts`.
///
/// Facts never hold secrets. The host adds the time and the function's name.
pub fn log<const N: usize>(level: &str, message: &str, facts: [(&str, &str); N]) {
    let mut line = Map::new();
    line.insert("level".to_owned(), Value::from(level));
    line.insert("message".to_owned(), Value::from(message));
    for (name, value) in facts {
        line.insert(name.to_owned(), Value::from(value));
    }
    write(&Value::Object(line).to_string());
}

#[cfg(target_arch = "wasm32")]
fn write(line: &str) {
    eprintln!("{line}");
}

#[cfg(not(target_arch = "wasm32"))]
fn write(line: &str) {
    SINK.with_borrow(|sink| match sink {
        Some(sink) => sink(line),
        None => eprintln!("{line}"),
    });
}

/// Takes the lines of the log.
#[cfg(not(target_arch = "wasm32"))]
pub type Sink = Box<dyn Fn(&str)>;

#[cfg(not(target_arch = "wasm32"))]
thread_local! {
    static SINK: std::cell::RefCell<Option<Sink>> = const { std::cell::RefCell::new(None) };
}

/// Gives this thread's lines to `sink` in place of stderr, until `None` is given. For tests that run whole worlds on
/// one thread, thousands of times.
#[cfg(not(target_arch = "wasm32"))]
pub fn divert_log(sink: Option<Sink>) {
    SINK.set(sink);
}
