//! The client of the LLM proxy TokenHub.
