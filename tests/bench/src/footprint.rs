//! How large the components are, and how much memory the host takes.

use std::fmt;

use crate::{
    Bench, Result,
    process::{Memory, Process},
    requests::{self, Kind},
    seed, start,
    table::Table,
};

/// The largest that a component should be, in bytes.
const LARGEST: u64 = 800_000;

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Each component's file name and size in bytes, the largest first.
    pub components: Vec<(String, u64)>,
    memory: Vec<(&'static str, Memory)>,
}

impl Outcome {
    /// How often the host's memory was read.
    pub fn readings(&self) -> usize {
        self.memory.len()
    }
}

/// Reads sizes and memory.
///
/// # Errors
///
/// When a component isn't there, or the host doesn't start.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let state = bench.state("footprint")?;
    let seeded = seed::beads(&state.join("sqlite/default.db"), bench.scale.seeded_beads).await?;
    // Compiling leaves memory behind that a start from the cache does not take.
    Process::host(bench, &state, &[])?.stop()?;
    let host = Process::host(bench, &state, &[])?;
    start::health(&host).await?;
    host.settle().await?;
    let mut memory = vec![("idle, after the start and one request", host.memory()?)];
    let connections = bench.scale.concurrency.last().copied().unwrap_or(1);
    for kind in [Kind::Get, Kind::Post] {
        let (limit, most) = (bench.scale.turn, bench.scale.turn_requests);
        requests::turn(&host, &seeded, kind, connections, limit, most).await?;
    }
    memory.push(("right after load", host.memory()?));
    host.settle().await?;
    let at_rest = host.memory_at_rest().await?;
    memory.push(("idle again, when it no longer falls", at_rest));
    Ok(Outcome {
        components: sizes()?,
        memory,
    })
}

/// The distinct sources of the manifest.
fn sizes() -> Result<Vec<(String, u64)>> {
    let manifest: toml::Table =
        std::fs::read_to_string(Bench::root().join("spin.toml"))?.parse()?;
    let components = manifest
        .get("component")
        .and_then(toml::Value::as_table)
        .ok_or("the manifest has no components")?;
    let mut sizes = Vec::new();
    for source in components
        .values()
        .filter_map(|component| component.get("source")?.as_str())
    {
        let path = Bench::root().join(source);
        let bytes = std::fs::metadata(&path)
            .map_err(|error| format!("{source}: {error}; build it with `cargo loom build`"))?
            .len();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        sizes.push((name, bytes));
    }
    sizes.sort_by(|(a_name, a), (b_name, b)| (b, a_name).cmp(&(a, b_name)));
    sizes.dedup();
    Ok(sizes)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(
            "Size of each component (kB = 1000 bytes)",
            &["component", "kB", "goal"],
        );
        let small = self
            .components
            .iter()
            .filter(|(_, bytes)| *bytes < LARGEST)
            .count();
        for (name, bytes) in &self.components {
            let verdict = if *bytes < LARGEST { "met" } else { "NOT MET" };
            table.row([
                name.clone(),
                (bytes / 1_000).to_string(),
                verdict.to_owned(),
            ]);
        }
        table.goal(
            "each under 800 kB",
            small == self.components.len(),
            format_args!("{small} of {}", self.components.len()),
        );
        table.fmt(f)?;
        let mut table = Table::new(
            "Memory of the host process (MB = 1000000 bytes)",
            &["when", "resident", "anonymous"],
        );
        for (when, memory) in &self.memory {
            let megabytes = |bytes: u64| (bytes / 1_000_000).to_string();
            table.row([
                (*when).to_owned(),
                megabytes(memory.resident),
                megabytes(memory.anonymous),
            ]);
        }
        table.note("No goal. What is resident but not anonymous are files that can be dropped: the program, compiled components, SQLite.");
        table.fmt(f)
    }
}
