//! What an agent does to a repository.
