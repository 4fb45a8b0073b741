/// Work that goes on after the response has been given.
///
/// Best effort only: it dies with the host. Whatever must happen is also in the database, where the next tick finds
/// it.
pub trait Tasks: Clone + Send + Sync + 'static {
    /// Starts `task`; it runs beside whatever else the function does.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
}
