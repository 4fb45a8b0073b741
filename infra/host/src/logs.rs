//! What components print, as JSON lines: one file per component in the state folder's `logs/`, and standard error
//! when asked.

use bytes::Bytes;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is cut into pieces of this size.
const MAX_LINE: usize = 64 * 1024;
/// A file that reached this size becomes `<name>.old.jsonl`, replacing an earlier one.
const MAX_FILE: u64 = 32 * 1024 * 1024;
/// Lines waiting to be written. A component that prints faster than the disk takes it loses lines, and the log says
/// how many; it is never slowed down.
const QUEUE: usize = 16 * 1024;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    component: &'a str,
    stream: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    line: &'a str,
}

enum Message {
    Line { component: Arc<str>, json: String },
    Flush(SyncSender<()>),
}

/// The log files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Logs {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl Logs {
    /// Writes to `dir`, which is created, and with `verbose` to standard error as well.
    pub(crate) fn start(dir: PathBuf, verbose: bool) -> std::io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        let (queue, messages) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = lost.clone();
        std::thread::Builder::new()
            .name("loom-logs".to_owned())
            .spawn(move || {
                Writer {
                    dir,
                    verbose,
                    files: HashMap::new(),
                    lost: counter,
                }
                .run(&messages)
            })?;
        Ok(Self { queue, lost })
    }

    /// Logs a line of the host itself.
    pub(crate) fn host(&self, line: &str) {
        self.line(&Arc::from("loom"), "host", None, line);
    }

    fn line(&self, component: &Arc<str>, stream: &str, request_id: Option<&str>, line: &str) {
        let time = crate::clock::rfc3339_now();
        let line = Line {
            time,
            component,
            stream,
            request_id,
            line,
        };
        let Ok(json) = serde_json::to_string(&line) else {
            return;
        };
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Message::Line {
            component: component.clone(),
            json,
        }) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns when everything logged so far is in its file.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    /// An output stream whose lines are logged. `request_id` is asked for every line.
    pub(crate) fn stream(
        &self,
        component: &Arc<str>,
        stream: &'static str,
        request_id: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Lines {
        Lines(Arc::new(Inner {
            logs: self.clone(),
            component: component.clone(),
            stream,
            request_id: Box::new(request_id),
            partial: Mutex::default(),
        }))
    }
}

struct Writer {
    dir: PathBuf,
    verbose: bool,
    files: HashMap<Arc<str>, (BufWriter<File>, u64)>,
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn run(&mut self, messages: &Receiver<Message>) {
        let mut next = messages.recv().ok();
        while let Some(message) = next {
            match message {
                Message::Line { component, json } => self.write(&component, &json),
                Message::Flush(done) => {
                    self.flush();
                    let _ = done.send(());
                }
            }
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let line = format!(
                    "{lost} lines were lost: components print faster than they can be written"
                );
                let time = crate::clock::rfc3339_now();
                let line = Line {
                    time,
                    component: "loom",
                    stream: "host",
                    request_id: None,
                    line: &line,
                };
                if let Ok(json) = serde_json::to_string(&line) {
                    self.write(&Arc::from("loom"), &json);
                }
            }
            next = match messages.try_recv() {
                Ok(message) => Some(message),
                Err(_) => {
                    self.flush();
                    messages.recv().ok()
                }
            };
        }
        self.flush();
    }

    // A log that can't be written must not stop the work that is logged: errors end here.
    fn write(&mut self, component: &Arc<str>, json: &str) {
        if self.verbose {
            let _ = writeln!(std::io::stderr(), "{json}");
        }
        let path = self.dir.join(format!("{component}.jsonl"));
        if self
            .files
            .get(component)
            .is_none_or(|(_, size)| *size >= MAX_FILE)
        {
            if let Some((mut full, _)) = self.files.remove(component) {
                let _ = full.flush();
                let _ = std::fs::rename(&path, self.dir.join(format!("{component}.old.jsonl")));
            }
            let Ok(file) = File::options().append(true).create(true).open(&path) else {
                return;
            };
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            self.files
                .insert(component.clone(), (BufWriter::new(file), size));
        }
        if let Some((file, size)) = self.files.get_mut(component) {
            let _ = file
                .write_all(json.as_bytes())
                .and_then(|()| file.write_all(b"\n"));
            *size += json.len() as u64 + 1;
        }
    }

    fn flush(&mut self) {
        for (file, _) in self.files.values_mut() {
            let _ = file.flush();
        }
    }
}

/// The standard output or error of one instance.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Inner>);

struct Inner {
    logs: Logs,
    component: Arc<str>,
    stream: &'static str,
    request_id: Box<dyn Fn() -> Option<String> + Send + Sync>,
    partial: Mutex<Vec<u8>>,
}

impl Inner {
    fn push(&self, bytes: &[u8]) {
        let mut partial = crate::locked(&self.partial);
        partial.extend_from_slice(bytes);
        while let Some(end) = partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = partial.drain(..=end).collect();
            self.log(&line);
        }
        while partial.len() >= MAX_LINE {
            let line: Vec<u8> = partial.drain(..MAX_LINE).collect();
            self.log(&line);
        }
    }

    fn log(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\n', '\r']);
        self.logs.line(
            &self.component,
            self.stream,
            (self.request_id)().as_deref(),
            line,
        );
    }
}

impl Drop for Inner {
    // The last words of an instance that was killed often lack a line end.
    fn drop(&mut self) {
        let partial = std::mem::take(&mut *crate::locked(&self.partial));
        if !partial.is_empty() {
            self.log(&partial);
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // The default goes through a task that is aborted with the instance, which would lose a panic's message.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl tokio::io::AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.0.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_say_where_they_come_from() {
        let dir = tempfile::tempdir().unwrap();
        let logs = Logs::start(dir.path().to_owned(), false).unwrap();
        let lines = logs.stream(&Arc::from("beads"), "stderr", || Some("r-1".to_owned()));
        lines.0.push(b"one\ntw");
        lines.0.push(b"o\r\nthree");
        drop(lines);
        logs.flush();
        let text = std::fs::read_to_string(dir.path().join("beads.jsonl")).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            lines
                .iter()
                .map(|line| line["line"].as_str().unwrap())
                .collect::<Vec<_>>(),
            ["one", "two", "three"]
        );
        assert_eq!(lines[0]["component"], "beads");
        assert_eq!(lines[0]["stream"], "stderr");
        assert_eq!(lines[0]["request_id"], "r-1");
    }
}
