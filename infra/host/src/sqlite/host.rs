//! The interface's functions.

use super::session::{Outcome, Session};
use crate::function::{Context, Spin};
use loom_host_bindings::imports::spin::sqlite::sqlite::{
    Connection, Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use std::sync::Arc;
use tokio::sync::Mutex;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

// Two tasks of a guest may use one connection; their statements take turns.
type Shared = Arc<Mutex<Session>>;

fn open(
    context: &mut Context,
    label: &str,
) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
    let Some(database) = context.grants.sqlite.get(label).cloned() else {
        return Ok(Err(Error::AccessDenied));
    };
    let session: Shared = Arc::new(Mutex::new(Session::new(database)));
    let handle = context.table.push(session)?;
    Ok(Ok(Resource::new_own(handle.rep())))
}

fn session(context: &mut Context, connection: &Resource<Connection>) -> wasmtime::Result<Shared> {
    Ok(context
        .table
        .get(&Resource::<Shared>::new_borrow(connection.rep()))?
        .clone())
}

impl Host for Context {}

impl HostConnection for Context {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        open(self, &database)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let session = session(self, &connection)?;
        let outcome = session.lock().await.execute(&statement, &parameters).await;
        Ok(outcome.map(|Outcome { columns, rows }| QueryResult { columns, rows }))
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        Ok(session(self, &connection)?.lock().await.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(session(self, &connection)?.lock().await.changes())
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Shared>::new_own(connection.rep()))?;
        Ok(())
    }
}

impl<T: Send + 'static> HostConnectionWithStore<T> for Spin {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        accessor.with(|mut access| open(access.get(), &database))
    }

    // As in Spin, an error of the statement itself is in the future and the call succeeds.
    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<
        Result<
            (
                Vec<String>,
                StreamReader<RowResult>,
                FutureReader<Result<(), Error>>,
            ),
            Error,
        >,
    > {
        let session = accessor.with(|mut access| session(access.get(), &connection))?;
        let outcome = session.lock().await.execute(&statement, &parameters).await;
        let (columns, rows, result) = match outcome {
            Ok(Outcome { columns, rows }) => (columns, rows, Ok(())),
            Err(error) => (Vec::new(), Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, rows)?;
            let result =
                FutureReader::new(&mut access, std::future::ready(wasmtime::error::Ok(result)))?;
            Ok(Ok((columns, rows, result)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let session = accessor.with(|mut access| session(access.get(), &connection))?;
        Ok(session.lock().await.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        let session = accessor.with(|mut access| session(access.get(), &connection))?;
        Ok(session.lock().await.changes())
    }
}
