//! `spin:variables@3.0.0`.

use crate::function::{Context, Spin};
use loom_host_bindings::imports::spin::variables::variables::{Error, Host, HostWithStore};
use wasmtime::component::Accessor;

impl Host for Context {}

impl<T: Send + 'static> HostWithStore<T> for Spin {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            return Ok(Err(Error::InvalidName(name)));
        }
        Ok(accessor.with(
            |mut access| match access.get().grants.variables.get(&name) {
                Some(value) => Ok(value.clone()),
                None => Err(Error::Undefined(name)),
            },
        ))
    }
}
