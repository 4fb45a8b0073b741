use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::world::{AlarmKey, World};

/// Ready once the simulated clock has reached a time.
pub(super) struct Sleep {
    world: Arc<World>,
    at_micros: u64,
    key: Option<AlarmKey>,
}

impl Sleep {
    pub(super) fn new(world: Arc<World>, at_micros: u64) -> Self {
        Self {
            world,
            at_micros,
            key: None,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.world.now_micros() >= self.at_micros {
            return Poll::Ready(());
        }
        if let Some(key) = self.key {
            self.world.renew_timer(key, context.waker());
        } else {
            self.key = Some(
                self.world
                    .add_timer(self.at_micros, context.waker().clone()),
            );
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.world.remove_timer(key);
        }
    }
}

/// Not ready the first time: the others get a turn.
#[derive(Debug, Default)]
pub(super) struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
