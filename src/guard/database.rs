//! Rows of a SQLite database. The file is the service's to write, so it is read as a whole first and opened from
//! memory: SQLite touches nothing on disk, runs nothing that the schema asks for, and gives up after a while.

use std::io;
use std::path::Path;

use cap_std::fs::MetadataExt as _;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, params_from_iter};

use super::store::Held;
use crate::content::unreadable;
use crate::manifest::Sqlite;
use crate::manifest::words::FileValue;
use crate::unit_file::{Links, Root};

/// The largest database in bytes that is read.
const LARGEST: u64 = 64 << 20;

/// How many rows are looked at.
const MOST: usize = 20_000;

/// How many steps of its virtual machine SQLite may take for a question.
const PATIENCE: i32 = 50_000_000;

/// Where the header says whether changes lie in a file beside (file format, 1.3.2): 1 that they do not.
const VERSIONS: [usize; 2] = [18, 19];

/// The rows that count.
pub(super) fn rows(sqlite: &Sqlite, path: &Path, root: &Root) -> Result<Vec<Held>, String> {
    let found = root.metadata(path, Links::Follow).map_err(|error| unreadable(&error))?;
    let Some(found) = found else { return Ok(Vec::new()) };
    for beside in ["-wal", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        match root.metadata(Path::new(&name), Links::Follow) {
            Ok(Some(found)) if found.len() > 0 => {
                return Err(format!("not known: changes of the database lie in `{beside}` beside it"));
            }
            Ok(_) => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
    let bytes = root.read_at_most(path, LARGEST).map_err(|error| unreadable(&error))?;
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    // An empty file is a database without tables.
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let names = names(sqlite, bytes).map_err(|error| format!("not known: {error}"))?;
    Ok(names.into_iter().map(|name| Held { name, existed: found.mtime() }).collect())
}

fn names(sqlite: &Sqlite, mut bytes: Vec<u8>) -> Result<Vec<String>, String> {
    for at in VERSIONS {
        if let Some(version) = bytes.get_mut(at) {
            *version = 1;
        }
    }
    // What SQLite says may repeat what the file holds.
    let asked = ask(sqlite, &bytes).map_err(|_| "SQLite cannot read the database".to_owned())?;
    match asked {
        None => Err(format!("the database has no table `{}`", sqlite.table)),
        Some(names) if names.len() > MOST => Err(format!("more than {MOST} rows")),
        Some(names) => Ok(names),
    }
}

/// The names of rows, one more than are looked at; none where there is no such table.
fn ask(sqlite: &Sqlite, bytes: &[u8]) -> rusqlite::Result<Option<Vec<String>>> {
    let mut connection = Connection::open_in_memory()?;
    connection.deserialize_read_exact("main", io::Cursor::new(bytes), bytes.len(), true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.progress_handler(PATIENCE, Some(|| true))?;
    // A virtual table would be whatever the schema says.
    let plain = "SELECT count(*) FROM sqlite_master \
                 WHERE type = 'table' AND rootpage > 0 AND name = ?1 COLLATE NOCASE";
    let tables: i64 = connection.query_row(plain, [sqlite.table.as_str()], |row| row.get(0))?;
    if tables == 0 {
        return Ok(None);
    }
    let name = sqlite.column.as_ref().map_or("''".to_owned(), |column| format!("CAST(`{column}` AS TEXT)"));
    let filters: Vec<String> =
        sqlite.filter.keys().map(|column| format!(" AND CAST(`{column}` AS TEXT) = ?")).collect();
    let question = format!(
        "SELECT ifnull({name}, '') FROM `{}` WHERE true{} LIMIT {}",
        sqlite.table,
        filters.concat(),
        MOST + 1
    );
    let mut statement = connection.prepare(&question)?;
    let values = sqlite.filter.values().map(FileValue::as_str);
    let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(0))?;
    rows.collect::<rusqlite::Result<Vec<String>>>().map(Some)
}
