use super::Action;
use crate::hex;

impl Action {
    /// SHA-256 (64 hexadecimal digits) over the name and every field, content included. Two edits of one file that
    /// put different text in place are two actions; without the content they would look like a loop.
    pub fn fingerprint(&self) -> String {
        // The JSON text starts with the name, has a fixed field order and is self-delimiting, so that distinct actions
        // have distinct texts. Serialisation of this enum has no failing case (string keys, no maps, no floats).
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex::sha256(text)
    }
}
