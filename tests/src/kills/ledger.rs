//! What the quotas say is used, held against what is there.

use std::str::FromStr;

use berth_db::{DatabaseUrl, Db, args};

use crate::Server;

/// The counter of each project, and the sum of what its repositories hold, each digest once.
const USED: &str = "SELECT q.used, CAST(COALESCE(SUM(held.size), 0) AS BIGINT) FROM quota q \
     LEFT JOIN (SELECT r.project_id, b.digest, b.size FROM repository_blob l \
         JOIN repository r ON r.id = l.repository_id JOIN blob b ON b.id = l.blob_id \
         UNION SELECT r.project_id, m.digest, m.size FROM manifest m \
         JOIN repository r ON r.id = m.repository_id) held ON held.project_id = q.project_id \
     GROUP BY q.project_id, q.used";

/// Demands that counters and contents agree. The server must not run. Gives the bytes in use.
pub(super) async fn balance(server: &Server) -> i64 {
    let url = DatabaseUrl::from_str(&server.database()).unwrap();
    let db = Db::connect(&url, 1).await.unwrap();
    let rows: Vec<(i64, i64)> = db.all(USED, args![]).await.unwrap();
    db.close().await;
    assert!(!rows.is_empty(), "there are no quotas");
    for (counted, held) in &rows {
        assert_eq!(counted, held, "a quota's counter is not what is held");
    }
    rows.iter().map(|(counted, _)| counted).sum()
}

/// What the database knows of the blobs that are there: digest, storage key, state, holders, and when it is
/// to be looked at. The server must not run.
const LEFT: &str = "SELECT b.digest, b.stored_as, b.state, \
     (SELECT COUNT(*) FROM repository_blob l WHERE l.blob_id = b.id), \
     COALESCE((SELECT MIN(g.review_at) FROM gc_review g WHERE g.blob_id = b.id), -1) FROM blob b";

/// Why blobs were not collected.
pub(super) async fn left(server: &Server) -> Vec<(String, String, String, i64, i64)> {
    let url = DatabaseUrl::from_str(&server.database()).unwrap();
    let db = Db::connect(&url, 1).await.unwrap();
    let rows = db.all(LEFT, args![]).await.unwrap();
    db.close().await;
    rows
}
