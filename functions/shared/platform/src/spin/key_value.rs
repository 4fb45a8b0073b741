use std::{cell::RefCell, rc::Rc};

use send_wrapper::SendWrapper;
use spin_sdk::key_value::{Error, Store};

use crate::{KeyValue, KeyValueError, key_value::check_limits};

const LABEL: &str = "default";

thread_local! {
    /// The open store, kept so that an operation is one call to the host instead of two.
    static STORE: RefCell<Option<Rc<Store>>> = const { RefCell::new(None) };
}

/// The key-value store `default`, which the component's entry in `spin.toml` must grant.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinKeyValue;

impl KeyValue for SpinKeyValue {
    fn get(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, KeyValueError>> + Send {
        SendWrapper::new(async move {
            check_limits(key, &[])?;
            store().await?.get(key).await.map_err(explain)
        })
    }

    fn set(
        &self,
        key: &str,
        value: &[u8],
    ) -> impl Future<Output = Result<(), KeyValueError>> + Send {
        SendWrapper::new(async move {
            check_limits(key, value)?;
            store().await?.set(key, value).await.map_err(explain)
        })
    }

    fn delete(&self, key: &str) -> impl Future<Output = Result<(), KeyValueError>> + Send {
        SendWrapper::new(async move {
            check_limits(key, &[])?;
            store().await?.delete(key).await.map_err(explain)
        })
    }
}

/// The store's handle. Unlike a database connection it carries no state, so requests may share it.
async fn store() -> Result<Rc<Store>, KeyValueError> {
    if let Some(open) = STORE.with_borrow(Clone::clone) {
        return Ok(open);
    }
    let opened = Rc::new(Store::open(LABEL).await.map_err(explain)?);
    STORE.set(Some(Rc::clone(&opened)));
    Ok(opened)
}

fn explain(error: Error) -> KeyValueError {
    KeyValueError(match error {
        Error::StoreTableFull => "it is full".to_owned(),
        Error::NoSuchStore => format!("the host has no store named {LABEL:?}"),
        Error::AccessDenied => {
            format!(
                "this function may not use it: add key_value_stores = [{LABEL:?}] to its component in spin.toml"
            )
        }
        Error::Other(reason) => reason,
    })
}
