use thiserror::Error;

/// One SQL value, with SQLite's five storage classes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// 64-bit signed integer.
    Integer(i64),
    /// 64-bit float.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

macro_rules! value_from {
    ($($from:ty => $make:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                let make: fn($from) -> Value = $make;
                make(value)
            }
        }
    )*};
}
value_from! {
    i64 => Value::Integer,
    i32 => |v| Value::Integer(i64::from(v)),
    u32 => |v| Value::Integer(i64::from(v)),
    u8 => |v| Value::Integer(i64::from(v)),
    bool => |v| Value::Integer(i64::from(v)),
    f64 => Value::Real,
    String => Value::Text,
    &str => |v| Value::Text(v.to_owned()),
    &String => |v| Value::Text(v.clone()),
    Vec<u8> => Value::Blob,
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row of a result; values are read by position, in the order of the `SELECT` list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn value(&self, index: usize) -> &Value {
        self.0.get(index).unwrap_or(&Value::Null)
    }

    /// The integer at `index`, or an error that says what was there instead.
    pub fn integer(&self, index: usize) -> Result<i64, DatabaseError> {
        match self.value(index) {
            Value::Integer(v) => Ok(*v),
            other => Err(DatabaseError::unexpected(index, "an integer", other)),
        }
    }

    /// The text at `index`, or an error that says what was there instead.
    pub fn text(&self, index: usize) -> Result<String, DatabaseError> {
        match self.value(index) {
            Value::Text(v) => Ok(v.clone()),
            other => Err(DatabaseError::unexpected(index, "text", other)),
        }
    }

    /// The integer at `index`, or `None` for `NULL`.
    pub fn optional_integer(&self, index: usize) -> Result<Option<i64>, DatabaseError> {
        match self.value(index) {
            Value::Null => Ok(None),
            _ => self.integer(index).map(Some),
        }
    }

    /// The text at `index`, or `None` for `NULL`.
    pub fn optional_text(&self, index: usize) -> Result<Option<String>, DatabaseError> {
        match self.value(index) {
            Value::Null => Ok(None),
            _ => self.text(index).map(Some),
        }
    }

    /// The integer at `index` read as a truth value: anything but 0 is true.
    pub fn boolean(&self, index: usize) -> Result<bool, DatabaseError> {
        self.integer(index).map(|v| v != 0)
    }

    /// The bytes at `index`, or an error that says what was there instead.
    pub fn blob(&self, index: usize) -> Result<Vec<u8>, DatabaseError> {
        match self.value(index) {
            Value::Blob(v) => Ok(v.clone()),
            other => Err(DatabaseError::unexpected(index, "a blob", other)),
        }
    }
}

/// Why a statement failed.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum DatabaseError {
    /// Another writer held the database for longer than the bounded wait. Nothing was changed; trying again is safe.
    #[error("the database is busy: another writer held it for too long")]
    Busy,
    /// A `UNIQUE`, `CHECK`, `NOT NULL` or foreign-key rule refused the statement. The text names the rule.
    #[error("the database refused the change: {0}")]
    Constraint(String),
    /// Anything else: bad SQL, a full disk, no access. The text is the database's own.
    #[error("the database failed: {0}")]
    Other(String),
}

impl DatabaseError {
    fn unexpected(index: usize, wanted: &str, found: &Value) -> Self {
        Self::Other(format!(
            "column {index} should hold {wanted} but holds {found:?}"
        ))
    }

    /// Sorts a database's own error text into the three kinds.
    ///
    /// By SQLite's fixed phrases, which also come through hosts and remote providers that drop the error code.
    /// Constraints come first, because their text quotes the rule, and a rule may well mention `busy`.
    pub fn from_text(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        // "cannot store TEXT value in INTEGER column t.c" is how a STRICT table refuses a type.
        if lower.contains("constraint failed") || lower.contains("cannot store ") {
            Self::Constraint(text.to_owned())
        } else if lower.contains(" is locked") || lower.contains("sqlite_busy") {
            Self::Busy
        } else {
            Self::Other(text.to_owned())
        }
    }
}

/// Something that runs SQL statements: the database itself, where each statement is its own transaction, or an open
/// [`Transaction`].
///
/// Parameters are positional (`?1`, `?2`, …). One statement per call. Results are always read to the end, so an
/// error is never lost and the next statement never waits for an unread one.
pub trait Statements: Send + Sync {
    /// Runs a statement that returns rows, and returns all of them.
    fn query(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>, DatabaseError>> + Send;

    /// Runs a statement and returns the number of rows it changed: meaningful after `INSERT`, `UPDATE` and `DELETE`,
    /// unspecified after anything else. Rows that it returns are dropped.
    fn execute(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<u64, DatabaseError>> + Send;

    /// The first row of [`query`](Self::query), if any.
    fn query_one(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<Option<Row>, DatabaseError>> + Send {
        async move { Ok(self.query(sql, parameters).await?.into_iter().next()) }
    }
}

/// The relational store. A clone is another handle to the same store.
pub trait Database: Statements + Clone + 'static {
    /// An open transaction.
    type Transaction: Transaction;

    /// Opens a transaction that may write (`BEGIN IMMEDIATE`, so that it never fails half-way for a stale snapshot),
    /// on a connection of its own. Waits for another writer with bounded retries, then [`DatabaseError::Busy`].
    ///
    /// Never hold one across an outbound call: it locks out every other writer.
    fn transaction(&self) -> impl Future<Output = Result<Self::Transaction, DatabaseError>> + Send;
}

/// An open transaction. Dropped without [`commit`](Self::commit), it is rolled back.
pub trait Transaction: Statements {
    /// Makes everything done in it durable, and visible to others, at once. After an error nothing is.
    fn commit(self) -> impl Future<Output = Result<(), DatabaseError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::DatabaseError;

    #[test]
    fn error_texts_are_sorted() {
        for text in [
            "database is locked",
            "database table is locked: bead",
            "SQLITE_BUSY: database is locked",
        ] {
            assert_eq!(
                DatabaseError::from_text(text),
                DatabaseError::Busy,
                "{text}"
            );
        }
        for text in [
            "UNIQUE constraint failed: bead.id",
            "FOREIGN KEY constraint failed",
            "CHECK constraint failed: state IN ('idle','busy')",
            "cannot store TEXT value in INTEGER column run.fence",
        ] {
            assert_eq!(
                DatabaseError::from_text(text),
                DatabaseError::Constraint(text.to_owned())
            );
        }
        let text = "no such column: busy in SELECT busy FROM agent at offset 7";
        assert_eq!(
            DatabaseError::from_text(text),
            DatabaseError::Other(text.to_owned())
        );
    }
}
