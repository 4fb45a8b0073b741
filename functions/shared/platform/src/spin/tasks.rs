use crate::Tasks;

/// Tasks of the component instance. The host keeps the instance alive until they end, but not across a restart.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinTasks;

impl Tasks for SpinTasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        spin_sdk::wasip3::spawn(task);
    }
}
