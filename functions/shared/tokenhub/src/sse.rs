//! Server-sent events, as far as language models use them: from bytes in any pieces to the `data` of each event.

/// The longest line that is taken, in bytes. TokenHub's own limit is the same.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A decoder of one stream.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    data: Option<String>,
}

/// A line or an event exceeded [`MAX_LINE_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Decoder {
    /// Takes the next piece of the stream and returns the data of the events that it completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut events = Vec::new();
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.line.extend_from_slice(line);
            self.end_line(&mut events)?;
            rest = after.get(1..).unwrap_or_default();
        }
        self.line.extend_from_slice(rest);
        if self.line.len() > MAX_LINE_BYTES {
            Err(TooLong)
        } else {
            Ok(events)
        }
    }

    /// What is left when the stream has ended: servers that end without the last blank line exist.
    pub(crate) fn finish(&mut self) -> Result<Option<String>, TooLong> {
        let mut events = Vec::new();
        self.end_line(&mut events)?;
        Ok(events.pop().or(self.data.take()))
    }

    fn end_line(&mut self, events: &mut Vec<String>) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            events.extend(self.data.take());
            return Ok(());
        }
        // Comments, and the fields `event`, `id` and `retry`, say nothing that the data does not.
        if let Some(value) = line.strip_prefix(b"data:") {
            let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
            match &mut self.data {
                None => self.data = Some(value.into_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
            }
        }
        let too_long = self
            .data
            .as_ref()
            .is_some_and(|data| data.len() > MAX_LINE_BYTES);
        if too_long { Err(TooLong) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(decoder.push(piece).unwrap());
        }
        events.extend(decoder.finish().unwrap());
        events
    }

    #[test]
    fn fields_comments_and_line_ends_are_told_apart() {
        let stream: &[u8] = b": keep-alive\r\n\r\nevent: x\ndata: one\r\n\r\ndata:two\ndata: three\n\nid: 4\n\ndata: [DONE]\n";
        assert_eq!(decode(&[stream]), ["one", "two\nthree", "[DONE]"]);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut decoder = Decoder::default();
        let piece = vec![b'x'; MAX_LINE_BYTES];
        assert_eq!(decoder.push(&piece), Ok(Vec::new()));
        assert_eq!(decoder.push(b"x"), Err(TooLong));
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; MAX_LINE_BYTES / 2], b"\n"].concat();
        assert_eq!(decoder.push(&line), Ok(Vec::new()));
        assert_eq!(decoder.push(&line), Err(TooLong));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            stream in prop::collection::vec(prop::sample::select(b"data: x\n\r:{}[]\xff".to_vec()), 0..200),
            cuts in prop::collection::vec(0..200_usize, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            prop_assert_eq!(decode(&pieces), decode(&[&stream]));
        }

        #[test]
        fn any_bytes_are_taken(stream in any::<Vec<u8>>()) {
            decode(&[&stream]);
        }
    }
}
