//! Numbered migrations, applied by whichever function first opens the database.

use loom_domain::hex;
use loom_platform::{Database, DatabaseError, Statements, Transaction, Value};
use thiserror::Error;

use crate::workflow::seed;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Strictly increasing, from 1.
    pub version: i64,
    /// What it adds, for people.
    pub name: &'static str,
    /// Its statements, each ended by a `;` at the end of a line.
    pub sql: &'static str,
}

/// All migrations, in order. A landed migration is never edited: what follows is a new one.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "core",
        sql: include_str!("../migrations/0001_core.sql"),
    },
    Migration {
        version: 2,
        name: "accounts",
        sql: include_str!("../migrations/0002_accounts.sql"),
    },
    Migration {
        version: 3,
        name: "workflows",
        sql: include_str!("../migrations/0003_workflows.sql"),
    },
    Migration {
        version: 4,
        name: "motivations",
        sql: include_str!("../migrations/0004_motivations.sql"),
    },
    Migration {
        version: 5,
        name: "waits",
        sql: include_str!("../migrations/0005_waits.sql"),
    },
    Migration {
        version: 6,
        name: "teams",
        sql: include_str!("../migrations/0006_teams.sql"),
    },
    Migration {
        version: 7,
        name: "documents",
        sql: include_str!("../migrations/0007_documents.sql"),
    },
    Migration {
        version: 8,
        name: "github",
        sql: include_str!("../migrations/0008_github.sql"),
    },
    Migration {
        version: 9,
        name: "deliveries",
        sql: include_str!("../migrations/0009_deliveries.sql"),
    },
    Migration {
        version: 10,
        name: "github_links",
        sql: include_str!("../migrations/0010_github_links.sql"),
    },
    Migration {
        version: 11,
        name: "github_workspace",
        sql: include_str!("../migrations/0011_github_workspace.sql"),
    },
    Migration {
        version: 12,
        name: "bead_sync",
        sql: include_str!("../migrations/0012_bead_sync.sql"),
    },
    Migration {
        version: 13,
        name: "connectors",
        sql: include_str!("../migrations/0013_connectors.sql"),
    },
    Migration {
        version: 14,
        name: "holds",
        sql: include_str!("../migrations/0014_holds.sql"),
    },
];

/// Why the schema is not as this build needs it.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum MigrateError {
    /// A statement failed; nothing of that migration was applied.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database was written by a newer Loom.
    #[error(
        "the database has schema version {found}, but this Loom knows only {known}: run the newer Loom that wrote it"
    )]
    TooNew {
        /// The version in the database.
        found: i64,
        /// The newest version that this build knows.
        known: i64,
    },
    /// A migration was changed after it had been applied.
    #[error(
        "migration {version} differs from the one that this database was made with: restore the original text of the migration"
    )]
    Changed {
        /// The migration's number.
        version: i64,
    },
}

/// Brings the schema and what Loom ships in it up to date, and returns the versions that were applied, usually none.
///
/// Safe to call from any number of functions at once: the check is one read, and each migration is one transaction
/// that looks again before it acts.
pub async fn migrate<D: Database>(database: &D) -> Result<Vec<i64>, MigrateError> {
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if is_up_to_date(database, newest).await? {
        return Ok(Vec::new());
    }
    database
        .execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, \
             sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
            vec![],
        )
        .await?;
    let mut applied = Vec::new();
    for migration in MIGRATIONS {
        let transaction = database.transaction().await?;
        let digest = hex::sha256(migration.sql);
        let row = transaction
            .query_one(
                "SELECT sha256 FROM schema_version WHERE version = ?1",
                vec![migration.version.into()],
            )
            .await?;
        if let Some(row) = row {
            if row.text(0)? != digest {
                return Err(MigrateError::Changed {
                    version: migration.version,
                });
            }
            continue;
        }
        for statement in statements(migration.sql) {
            transaction.execute(statement, vec![]).await?;
        }
        transaction
            .execute(
                "INSERT INTO schema_version (version, name, sha256, applied_at) \
                 VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
                vec![
                    migration.version.into(),
                    migration.name.into(),
                    Value::Text(digest),
                ],
            )
            .await?;
        transaction.commit().await?;
        applied.push(migration.version);
    }
    let found = current_version(database).await?;
    if found > newest {
        return Err(MigrateError::TooNew {
            found,
            known: newest,
        });
    }
    seed::seed(database).await?;
    Ok(applied)
}

/// The usual case in one read: the newest version is there, and what is shipped is what this build ships.
async fn is_up_to_date<S: Statements>(statements: &S, newest: i64) -> Result<bool, DatabaseError> {
    let sql = "SELECT MAX(version), (SELECT sha256 FROM seed WHERE name = ?1) FROM schema_version";
    match statements.query_one(sql, vec![seed::NAME.into()]).await {
        Ok(None) => Ok(false),
        Ok(Some(row)) => Ok(row.optional_integer(0)? == Some(newest)
            && row.optional_text(1)?.as_deref() == Some(seed::digest())),
        Err(DatabaseError::Other(text)) if text.contains("no such table") => Ok(false),
        Err(error) => Err(error),
    }
}

/// The newest version that the database has; 0 for an empty one.
pub async fn current_version<S: Statements>(statements: &S) -> Result<i64, DatabaseError> {
    match statements
        .query_one("SELECT MAX(version) FROM schema_version", vec![])
        .await
    {
        Ok(row) => row.map_or(Ok(0), |row| Ok(row.optional_integer(0)?.unwrap_or(0))),
        Err(DatabaseError::Other(text)) if text.contains("no such table") => Ok(0),
        Err(error) => Err(error),
    }
}

fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(str::trim).filter(|statement| {
        statement
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    })
}
