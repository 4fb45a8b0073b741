//! The cron trigger: forwards each occurrence to the tick route.
