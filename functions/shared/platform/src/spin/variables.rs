use send_wrapper::SendWrapper;
use spin_sdk::variables::Error;

use crate::{Variables, VariablesError};

/// The component's variables, as its entry in `spin.toml` maps them from the application's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinVariables;

impl Variables for SpinVariables {
    fn get(&self, name: &str) -> impl Future<Output = Result<String, VariablesError>> + Send {
        SendWrapper::new(async move {
            spin_sdk::variables::get(name)
                .await
                .map_err(|error| match error {
                    Error::Undefined(_) => VariablesError::Undefined(name.to_owned()),
                    Error::InvalidName(reason) | Error::Provider(reason) | Error::Other(reason) => {
                        VariablesError::Provider {
                            name: name.to_owned(),
                            reason,
                        }
                    }
                })
        })
    }
}
