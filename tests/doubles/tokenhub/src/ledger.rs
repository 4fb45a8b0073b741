use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A completion that a provider was paid for. A replay is not one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The request's `Idempotency-Key`, or empty.
    pub idempotency_key: String,
    /// The request's id.
    pub request_id: String,
    /// The id of the key that pays.
    pub key_id: String,
    /// The model that answered.
    pub model: String,
    /// Which turn of its conversation it was.
    pub turn: usize,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// The cost in US dollars.
    pub cost_usd: f64,
    /// Whether it was a stream.
    pub stream: bool,
}

/// The ledger, in memory and perhaps in a file.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<LedgerEntry>,
    file: Option<File>,
}

impl Ledger {
    /// Opens the ledger; with a file, what is in it comes first.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let entries = if path.exists() {
            read_ledger(path)?
        } else {
            Vec::new()
        };
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            entries,
            file: Some(file),
        })
    }

    /// Adds an entry. In a file it is one write of one line, so a killed process leaves whole lines.
    pub(crate) fn add(&mut self, entry: LedgerEntry) {
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_vec(&entry).expect("an entry is plain data");
            line.push(b'\n');
            file.write_all(&line)
                .expect("the ledger file can be written");
        }
        self.entries.push(entry);
    }
}

/// Reads a ledger file. A last line that was cut off is left out.
pub fn read_ledger(path: &Path) -> io::Result<Vec<LedgerEntry>> {
    let lines: Vec<String> = BufReader::new(File::open(path)?)
        .lines()
        .collect::<io::Result<_>>()?;
    let mut entries = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(entry) => entries.push(entry),
            Err(_) if index + 1 == lines.len() => {}
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
    Ok(entries)
}
