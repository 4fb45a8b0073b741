use thiserror::Error;

/// Why a variable could not be read.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum VariablesError {
    /// The function's manifest entry does not declare it.
    #[error("the variable {0} is not declared for this function in spin.toml")]
    Undefined(String),
    /// The provider of variables failed.
    #[error("the variable {name} could not be read: {reason}")]
    Provider {
        /// The variable's name.
        name: String,
        /// The provider's own reason.
        reason: String,
    },
}

/// Configuration and secrets, by lower-case name.
pub trait Variables: Clone + Send + Sync + 'static {
    /// The value of a declared variable; an empty string when it was declared with that default.
    fn get(&self, name: &str) -> impl Future<Output = Result<String, VariablesError>> + Send;

    /// The value of a variable, or `None` when it is undeclared or empty.
    fn get_optional(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<String>, VariablesError>> + Send {
        async move {
            match self.get(name).await {
                Ok(value) if value.is_empty() => Ok(None),
                Ok(value) => Ok(Some(value)),
                Err(VariablesError::Undefined(_)) => Ok(None),
                Err(error) => Err(error),
            }
        }
    }
}
