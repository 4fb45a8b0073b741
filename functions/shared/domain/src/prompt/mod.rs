//! What the model is told, and how much of it.

pub(crate) mod cut;
