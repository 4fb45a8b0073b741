//! Sweeps of other functions: what each of them finds by itself, whoever asks (invariant I12). The tick looks whether
//! there is anything to find, with one read each, has it looked after, and does not wait for it.

use std::time::Duration;

use loom_api::{Error, PostSoon, post_soon};
use loom_platform::Platform;
use loom_store::{connector, delivery, motivation, provider};

/// Providers whose probe is due, or the first one registered.
///
/// So a provider is covered whenever it was registered, also where no schedule but the tick is there, and a fresh Loom
/// works with its first tick. Once a probe finds a provider healthy, the heartbeat nudges the dispatcher.
const PROVIDERS: PostSoon = PostSoon {
    url: "http://provider-heartbeat.spin.internal/internal/heartbeat",
    longest: Duration::from_secs(60),
    lost: "the providers could not be probed; the next tick tries again",
};

/// Motivations that may have come true. If one files a bead or wakes a role, the sweep nudges the dispatcher.
const MOTIVATIONS: PostSoon = PostSoon {
    url: "http://motivations.spin.internal/internal/sweep",
    longest: Duration::from_secs(60),
    lost: "the motivations could not be looked at; the next tick tries again",
};

/// Connectors that have not heard of all that happened, or to which something is to be sent again.
const CONNECTORS: PostSoon = PostSoon {
    url: "http://connectors.spin.internal/internal/sweep",
    longest: Duration::from_secs(60),
    lost: "the connectors could not be told; the next tick tries again",
};

/// Deliveries of GitHub's that were left over, status comments that are due, and deliveries that may have been lost.
const GITHUB: PostSoon = PostSoon {
    url: "http://github-webhook.spin.internal/internal/github/sweep",
    longest: Duration::from_secs(120),
    lost: "what is due at GitHub could not be looked after; the next tick tries again",
};

/// Starts every sweep that is due.
pub(crate) async fn start_due<P: Platform>(platform: &P) -> Result<(), Error> {
    let database = platform.database();
    for (sweep, is_due) in [
        (PROVIDERS, provider::any_due(database).await?),
        (MOTIVATIONS, motivation::is_due(database).await?),
        (CONNECTORS, connector::is_due(database).await?),
        (GITHUB, delivery::sweep_is_due(database).await?),
    ] {
        if is_due {
            post_soon(platform, sweep, "");
        }
    }
    Ok(())
}
