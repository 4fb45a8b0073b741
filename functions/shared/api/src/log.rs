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
    eprintln!("{}", Value::Object(line));
}
