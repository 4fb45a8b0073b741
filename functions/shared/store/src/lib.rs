//! SQL: schema, migrations, one module per aggregate.
