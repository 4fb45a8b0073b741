use std::sync::Arc;

use tokio::sync::watch;

use crate::Tasks;

/// Tasks of the tokio runtime in whose context they are spawned. A clone counts the same tasks.
#[derive(Debug, Clone)]
pub struct NativeTasks {
    running: Arc<watch::Sender<usize>>,
}

impl Default for NativeTasks {
    fn default() -> Self {
        Self {
            running: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl NativeTasks {
    /// Returns once no task is running: those spawned so far have ended, and so have those that they spawned.
    pub async fn finished(&self) {
        // Fails only when the sender is gone, and this holds it.
        self.running
            .subscribe()
            .wait_for(|running| *running == 0)
            .await
            .ok();
    }
}

impl Tasks for NativeTasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.running.send_modify(|running| *running += 1);
        let ended = Ended(Arc::clone(&self.running));
        tokio::spawn(async move {
            let _ended = ended;
            task.await;
        });
    }
}

/// Counts a task as ended when dropped, be it after its last line, by a panic or with the runtime.
struct Ended(Arc<watch::Sender<usize>>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0
            .send_modify(|running| *running = running.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::NativeTasks;
    use crate::Tasks;

    #[tokio::test]
    async fn finished_waits_for_tasks_of_tasks() {
        let tasks = NativeTasks::default();
        let done = Arc::new(AtomicU32::new(0));
        tasks.finished().await;
        let (inner, counter) = (tasks.clone(), Arc::clone(&done));
        tasks.spawn(async move {
            tokio::task::yield_now().await;
            let again = Arc::clone(&counter);
            inner.spawn(async move {
                tokio::task::yield_now().await;
                again.fetch_add(1, Ordering::SeqCst);
            });
            counter.fetch_add(1, Ordering::SeqCst);
        });
        tasks.finished().await;
        assert_eq!(done.load(Ordering::SeqCst), 2);
    }
}
