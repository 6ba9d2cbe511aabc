//! What external scanners found, exported in the columns of the rest.

use berth_jobs::TaskContext;
use berth_scanners::{Item, Scanned};
use serde_json::Value;

use super::file::Writer;
use super::{FINDINGS, Told, write};
use crate::store::export::{ArtifactRow, FindingRow};
use crate::store::external::{self, ExportedRow};
use crate::{Scanning, VulnError};

impl Scanning {
    /// Writes what an external scanner found in an artifact.
    pub(super) async fn collect_outside(
        &self,
        (task, name, artifact): (&TaskContext, &str, &ArtifactRow),
        cves: &[String],
        file: &mut Writer,
    ) -> Result<(), VulnError> {
        let by: Scanned = serde_json::from_str(&artifact.scanner).unwrap_or_default();
        let mut after = -1;
        loop {
            task.check_stop().map_err(|_| VulnError::Stopped)?;
            let rows = external::exported(&self.db, artifact.image, after, cves, FINDINGS).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.nr;
            for row in rows {
                let (row, told) = outside(row);
                let of = (name, &*artifact.digest, &*by.name);
                write(file, of, &row, Some(&told)).await?;
            }
        }
    }
}

/// A row of an external scanner in the form of others, and what it says besides.
fn outside(row: ExportedRow) -> (FindingRow, Told) {
    let item: Item = serde_json::from_slice(&row.body).unwrap_or_default();
    let cvss = item.preferred_cvss.as_ref().and_then(|cvss| {
        let score = cvss.get("score_v3")?.as_f64()?;
        let vector = cvss.get("vector_v3").and_then(Value::as_str);
        Some((vector.unwrap_or_default().to_owned(), score))
    });
    let told = Told {
        cwes: item.cwe_ids.join("; "),
        cvss,
    };
    let row = FindingRow {
        package_id: row.nr,
        name: row.name,
        severity: row.severity,
        status: row.status,
        fixed_version: row.fixed_version,
        advisory_id: 0,
        package: row.package,
        version: row.version,
        layer: String::new(),
        path: String::new(),
        exploited_since: row.exploited_since,
    };
    (row, told)
}
