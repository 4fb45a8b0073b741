use std::collections::VecDeque;

/// How much of the beginning of a program's output is kept, and how much of its end: what failed is usually said
/// last, what was run first.
const HEAD: usize = 8 * 1024;
const TAIL: usize = 24 * 1024;

/// The beginning and the end of a text of any length.
#[derive(Default)]
pub(super) struct HeadAndTail {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    cut: u64,
}

impl HeadAndTail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend(first);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.cut += excess as u64;
    }

    /// The text, with a line that says how much is missing, and that number of bytes. Cuts are made at line ends
    /// where there are any near.
    pub(super) fn finish(self) -> (String, u64) {
        let tail: Vec<u8> = self.tail.into();
        if self.cut == 0 {
            let whole: Vec<u8> = self.head.into_iter().chain(tail).collect();
            return (String::from_utf8_lossy(&whole).into_owned(), 0);
        }
        let head_end = self
            .head
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(self.head.len(), |at| at + 1);
        let tail_start = tail.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
        let head_end = if head_end < HEAD / 2 {
            self.head.len()
        } else {
            head_end
        };
        let tail_start = if tail_start > TAIL / 2 { 0 } else { tail_start };
        let (head, head_cut) = self.head.split_at(head_end);
        let (tail_cut, tail) = tail.split_at(tail_start);
        let cut = self.cut + (head_cut.len() + tail_cut.len()) as u64;
        let mut text = String::from_utf8_lossy(head).into_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("[… {cut} bytes cut …]\n"));
        text.push_str(&String::from_utf8_lossy(tail));
        (text, cut)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_output_is_kept_whole() {
        let mut output = HeadAndTail::default();
        output.push(b"a\n");
        output.push("ü\n".as_bytes());
        assert_eq!(output.finish(), ("a\nü\n".to_owned(), 0));
    }

    #[test]
    fn long_output_keeps_its_first_and_last_lines() {
        let mut output = HeadAndTail::default();
        let lines: Vec<String> = (0..20_000).map(|n| format!("line {n}\n")).collect();
        for line in &lines {
            output.push(line.as_bytes());
        }
        let (text, cut) = output.finish();
        assert!(text.starts_with("line 0\nline 1\n") && text.ends_with("line 19998\nline 19999\n"));
        assert!(
            text.lines()
                .all(|line| line.starts_with("line ") || line == format!("[… {cut} bytes cut …]"))
        );
        let note = format!("[… {cut} bytes cut …]\n");
        assert_eq!(
            text.len() - note.len() + usize::try_from(cut).unwrap(),
            lines.concat().len()
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_unless_it_is_counted(chunks in prop::collection::vec((0usize..9000, any::<u8>()), 0..12)) {
            let mut output = HeadAndTail::default();
            let mut total = 0;
            for (length, byte) in chunks {
                output.push(&vec![byte & 0x7f; length]);
                total += length;
            }
            let (text, cut) = output.finish();
            prop_assert_eq!(cut > 0, text.contains("bytes cut"));
            prop_assert!(text.len() <= HEAD + TAIL + 64);
            if cut == 0 {
                prop_assert_eq!(text.len(), total);
            }
        }
    }
}
