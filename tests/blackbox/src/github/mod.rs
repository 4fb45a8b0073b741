//! GitHub: webhooks that file beads, work that lands as pull requests, and what is not let in.

mod all_the_way;
mod refusals;
