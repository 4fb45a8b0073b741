use tokio::sync::watch;

/// A gate that answers wait at until the test opens it. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    open: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self {
            open: watch::Sender::new(false),
            arrived: watch::Sender::new(0),
        }
    }

    /// Lets everything through, now and from now on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Closes it again for those who come later.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Returns once `count` answers in all have come to the gate, let through or not.
    pub async fn arrived(&self, count: usize) {
        let mut arrived = self.arrived.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = arrived.wait_for(|arrived| *arrived >= count).await;
    }

    /// Waits until it is open.
    pub(crate) async fn pass(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}
