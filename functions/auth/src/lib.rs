//! Login, refresh, identity, API keys.
