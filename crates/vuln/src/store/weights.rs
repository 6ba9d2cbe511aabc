//! Rows of `exploited_vulnerability` and `exploit_probability`: what feeds tell of vulnerabilities
//! beside advisories.

use berth_db::{Args, AssertSqlSafe, Tx, args, chunk_of, rows_of};

/// Notes vulnerabilities that are known to be exploited, since when.
pub(crate) fn exploited(tx: &mut Tx, feed: i64, import: i64, list: &[(String, i64)]) {
    put(
        tx,
        ("exploited_vulnerability", "since"),
        (feed, import),
        list,
    );
}

/// Notes how likely vulnerabilities are to be exploited, in millionths.
pub(crate) fn probabilities(tx: &mut Tx, feed: i64, import: i64, list: &[(String, i64)]) {
    put(
        tx,
        ("exploit_probability", "probability"),
        (feed, import),
        list,
    );
}

fn put(
    tx: &mut Tx,
    (table, column): (&str, &str),
    (feed, import): (i64, i64),
    list: &[(String, i64)],
) {
    let mut rest = list;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for (name, value) in chunk {
            values.push(name.as_str());
            values.push(feed);
            values.push(*value);
            values.push(import);
        }
        let sql = format!(
            "INSERT INTO {table} (name, feed_id, {column}, import_nr) VALUES {} \
             ON CONFLICT (name, feed_id) DO UPDATE SET {column} = excluded.{column}, \
               import_nr = excluded.import_nr",
            rows_of(chunk.len(), 4)
        );
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// Forgets what this import of the feed did not tell.
pub(crate) fn forget_left_out(tx: &mut Tx, feed: i64, import: i64) {
    for table in ["exploited_vulnerability", "exploit_probability"] {
        let sql = format!("DELETE FROM {table} WHERE feed_id = $1 AND import_nr < $2");
        tx.later(AssertSqlSafe(sql), args![feed, import]);
    }
}
