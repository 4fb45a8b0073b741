use std::net::SocketAddr;

/// How the double is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// Whether its addresses are those of GitHub Enterprise, under `/api/v3`. Both are answered always.
    pub enterprise: bool,
    /// The id of the App.
    pub app_id: u64,
    /// The name of the App in addresses.
    pub app_slug: String,
    /// How long installation tokens live, in seconds; an hour as GitHub's.
    pub token_lifetime_seconds: i64,
    /// The primary rate limit: requests per token and hour.
    pub rate_limit: u64,
    /// How long a receiver of a webhook may take, in milliseconds; GitHub gives ten seconds.
    pub webhook_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            enterprise: false,
            app_id: 4_242,
            app_slug: String::from("loom-test"),
            token_lifetime_seconds: 3_600,
            rate_limit: 5_000,
            webhook_timeout_ms: 10_000,
        }
    }
}
