//! Health, status, and the tick over HTTP.
