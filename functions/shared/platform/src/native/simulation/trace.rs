use std::{borrow::Cow, collections::VecDeque, fmt, time::Duration};

/// Entries beyond this number push out the oldest.
const MOST_ENTRIES: usize = 2_000;

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceEntry {
    /// Simulated time since the start.
    pub at: Duration,
    /// The task that did it, as `process/task#number`; empty for the world's own doing.
    pub task: String,
    /// What happened, such as `database.query` or `crash`.
    pub event: &'static str,
    /// With what: the SQL, the URL, the key.
    pub detail: Cow<'static, str>,
}

impl fmt::Display for TraceEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:>12.3}s  {:<32} ",
            self.at.as_secs_f64(),
            self.task
        )?;
        write!(formatter, "{:<20} {}", self.event, self.detail)
    }
}

/// The end of a run's history, for people, and a fingerprint of all of it.
#[derive(Debug, Clone)]
pub struct Trace {
    entries: VecDeque<TraceEntry>,
    dropped: u64,
    fingerprint: u64,
}

impl Default for Trace {
    fn default() -> Self {
        // The offset basis of 64-bit FNV-1a.
        Self {
            entries: VecDeque::new(),
            dropped: 0,
            fingerprint: 0xcbf2_9ce4_8422_2325,
        }
    }
}

impl Trace {
    /// The entries that are still there, oldest first: the last 2,000.
    pub fn entries(&self) -> impl Iterator<Item = &TraceEntry> {
        self.entries.iter()
    }

    /// A hash of all entries, also of those no longer there: two runs with the same value went the same way.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(super) fn add(&mut self, entry: TraceEntry) {
        self.mix(&entry.at.as_nanos().to_le_bytes());
        self.mix(entry.task.as_bytes());
        self.mix(entry.event.as_bytes());
        self.mix(entry.detail.as_bytes());
        if self.entries.len() == MOST_ENTRIES {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(entry);
    }

    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.fingerprint ^= u64::from(*byte);
            self.fingerprint = self.fingerprint.wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped > 0 {
            writeln!(formatter, "({} earlier entries left out)", self.dropped)?;
        }
        for entry in &self.entries {
            writeln!(formatter, "{entry}")?;
        }
        Ok(())
    }
}
