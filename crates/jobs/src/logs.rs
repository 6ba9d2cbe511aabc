//! Logs of tasks: written in pieces while they run, read whole or as they grow.

use berth_db::{DbError, Tx};
use berth_model::TaskId;

use crate::context::Said;
use crate::store::log;
use crate::{Jobs, JobsError};

/// Longest log of one task, bytes; what comes after is not kept.
const LONGEST: i64 = 4 * 1024 * 1024;

/// Pieces in one read.
const PIECES: i64 = 256;

impl Jobs {
    /// What a task has said after piece `after` (0: from the beginning), and the last piece that
    /// was read.
    pub async fn task_log(&self, task: TaskId, after: i64) -> Result<(String, i64), JobsError> {
        let (mut text, mut last) = (String::new(), after);
        loop {
            let pieces = log::read(self.db(), task, last, PIECES).await?;
            let Some((newest, _)) = pieces.last() else {
                return Ok((text, last));
            };
            last = *newest;
            for (_, piece) in &pieces {
                text.push_str(piece);
            }
            // The bound of a log is also the bound of this answer.
            if (pieces.len() as i64) < PIECES {
                return Ok((text, last));
            }
        }
    }
}

/// Writes what a task said.
pub(crate) async fn write(tx: &mut Tx, task: TaskId, said: &Said) -> Result<(), DbError> {
    if said.log.is_empty() && said.lost_lines == 0 {
        return Ok(());
    }
    let before = log::size(tx, task).await?;
    if before >= LONGEST {
        return Ok(());
    }
    let mut text = said.log.clone();
    if said.lost_lines > 0 {
        let note = format!("… {} lines were too many\n", said.lost_lines);
        text.push_str(&note);
    }
    if before + text.len() as i64 >= LONGEST {
        let room = text.floor_char_boundary((LONGEST - before) as usize);
        text.truncate(room);
        text.push_str("\n… the log is full\n");
    }
    log::append(tx, task, &text).await
}
