//! The wasmtime engine: its settings, its clock, and what it offers to components.

use crate::function::Context;
use std::time::Duration;
use wasmtime::component::Linker;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The engine's clock. CPU deadlines are counted in these ticks.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Makes an engine with room for `instances` live instances, and starts its clock.
///
/// The clock's thread ends when the engine is gone.
pub(crate) fn create(instances: u32) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_memories(instances)
        .total_stacks(instances)
        .total_tables(instances.saturating_mul(2))
        .total_core_instances(instances.saturating_mul(4))
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_tables_per_component(64)
        .max_memories_per_component(32)
        .max_tables_per_module(2)
        .max_memories_per_module(2)
        .max_memory_size(4 << 30)
        // Zeroing what an instance touched is cheaper than giving the pages back and faulting them in again.
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(512 << 10);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("loom-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })?;
    Ok(engine)
}

/// Everything that a component may import: WASI 0.2 and 0.3, HTTP of both, key-value, SQLite, variables.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Context>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    // For the cron forwarder, which speaks WASI 0.2 only.
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    loom_host_bindings::imports::Imports::add_to_linker::<_, crate::function::Spin>(
        &mut linker,
        |context| context,
    )?;
    Ok(linker)
}
