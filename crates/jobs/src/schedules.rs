//! Schedules: what begins by itself.
//!
//! Invariant: each time a schedule comes true one execution begins, whichever process sees it
//! first; a time that was missed while nothing ran is made up for once.

use berth_db::{DbError, Tx};
use berth_model::Timestamp;
use serde_json::Value;

use crate::store::execution;
use crate::store::schedule::{self, New, ScheduleRow};
use crate::{Cadence, Jobs, JobsError, Trigger};

/// Schedules started in one turn.
const BATCH: i64 = 50;

/// A schedule, as it stands.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is as the table has it")]
pub struct Schedule {
    pub id: i64,
    pub vendor: String,
    pub vendor_id: i64,
    /// Harbor's word: Hourly, Daily, Weekly, Custom, None.
    pub cadence: String,
    pub cron: String,
    pub kind: String,
    pub params: Value,
    pub next_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl From<ScheduleRow> for Schedule {
    fn from(row: ScheduleRow) -> Self {
        Self {
            id: row.id,
            vendor: row.vendor,
            vendor_id: row.vendor_id,
            cadence: row.cadence,
            cron: row.cron,
            kind: row.kind,
            params: serde_json::from_str(&row.params).unwrap_or_default(),
            next_at: row.next_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}

impl Jobs {
    /// Lets an execution with one task of `kind` begin at every time of `cadence`, instead of what
    /// was said of this vendor's policy before. With [`Cadence::none`] the schedule stays, and
    /// never comes true.
    pub async fn set_schedule(
        &self,
        vendor: &'static str,
        vendor_id: i64,
        cadence: &Cadence,
        kind: &'static str,
        params: &Value,
    ) -> Result<(), JobsError> {
        let new = self.new_schedule(vendor, vendor_id, cadence, kind, params)?;
        let jobs = self.clone();
        self.db()
            .write(move |tx| Box::pin(async move { Ok(jobs.put_schedule(tx, &new, true).await?) }))
            .await
    }

    /// As [`Jobs::set_schedule`], together with what else the transaction does.
    pub async fn set_schedule_in(
        &self,
        tx: &mut Tx,
        vendor: &'static str,
        vendor_id: i64,
        cadence: &Cadence,
        (kind, params): (&'static str, &Value),
    ) -> Result<(), JobsError> {
        let new = self.new_schedule(vendor, vendor_id, cadence, kind, params)?;
        Ok(self.put_schedule(tx, &new, true).await?)
    }

    /// As [`Jobs::set_schedule`], unless something was said of it before: a default.
    pub async fn default_schedule(
        &self,
        vendor: &'static str,
        cadence: &Cadence,
        kind: &'static str,
        params: &Value,
    ) -> Result<(), JobsError> {
        if schedule::find(self.db(), vendor, 0).await?.is_some() {
            return Ok(());
        }
        let new = self.new_schedule(vendor, 0, cadence, kind, params)?;
        let jobs = self.clone();
        self.db()
            .write(move |tx| Box::pin(async move { Ok(jobs.put_schedule(tx, &new, false).await?) }))
            .await
    }

    fn new_schedule(
        &self,
        vendor: &str,
        vendor_id: i64,
        cadence: &Cadence,
        kind: &str,
        params: &Value,
    ) -> Result<New, JobsError> {
        self.check(kind, params)?;
        Ok(New {
            vendor: vendor.to_owned(),
            vendor_id,
            cadence: cadence.word().to_owned(),
            cron: cadence.cron().to_owned(),
            kind: kind.to_owned(),
            params: params.to_string(),
            next_at: cadence.next_after(self.clock().now())?,
        })
    }

    async fn put_schedule(&self, tx: &mut Tx, new: &New, replace: bool) -> Result<(), DbError> {
        schedule::put(tx, new, replace, self.clock().now()).await?;
        let jobs = self.clone();
        tx.after_commit(move || jobs.wake());
        Ok(())
    }

    /// Forgets a schedule; it is no error that there is none.
    pub async fn remove_schedule(
        &self,
        vendor: &'static str,
        vendor_id: i64,
    ) -> Result<(), JobsError> {
        self.db()
            .write(move |tx| {
                Box::pin(async move { Ok(schedule::remove(tx, vendor, vendor_id).await?) })
            })
            .await
            .map(|_: bool| ())
    }

    /// As [`Jobs::remove_schedule`], together with what else the transaction does.
    pub async fn remove_schedule_in(
        &self,
        tx: &mut Tx,
        vendor: &'static str,
        vendor_id: i64,
    ) -> Result<(), DbError> {
        schedule::remove(tx, vendor, vendor_id).await.map(|_| ())
    }

    /// A vendor's schedule, if something was said of it.
    pub async fn schedule(
        &self,
        vendor: &str,
        vendor_id: i64,
    ) -> Result<Option<Schedule>, JobsError> {
        let row = schedule::find(self.db(), vendor, vendor_id).await?;
        Ok(row.map(Schedule::from))
    }

    /// A page of the schedules that come true some time, and how many there are.
    pub async fn schedules(
        &self,
        asked: (&str, &str),
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Schedule>, i64), JobsError> {
        let (rows, total) = schedule::list(self.db(), asked, limit, offset).await?;
        Ok((rows.into_iter().map(Schedule::from).collect(), total))
    }

    /// Begins what is due.
    pub(crate) async fn start_due(&self) -> Result<(), JobsError> {
        let now = self.clock().now();
        for row in schedule::due(self.db(), now, BATCH).await? {
            let jobs = self.clone();
            let shown = (row.vendor.clone(), row.vendor_id);
            let started = self
                .db()
                .write(move |tx| Box::pin(async move { jobs.start(tx, &row, now).await }))
                .await;
            if let Err(error) = started {
                tracing::error!(vendor = shown.0, id = shown.1, %error, "a schedule could not begin");
            }
        }
        Ok(())
    }

    async fn start(&self, tx: &mut Tx, row: &ScheduleRow, now: Timestamp) -> Result<(), JobsError> {
        let cadence = Cadence::parse(&row.cadence, &row.cron);
        // One that cannot be read any more must not come true for ever.
        let next = cadence
            .ok()
            .and_then(|it| it.next_after(now).ok().flatten());
        if !schedule::advance(tx, row, next).await? {
            return Ok(());
        }
        let params: Value = serde_json::from_str(&row.params).unwrap_or_default();
        let task = match self.row_of(&row.kind, &params) {
            Ok(task) => task,
            Err(error) => {
                tracing::error!(vendor = row.vendor, %error, "a schedule asks for what cannot run");
                return Ok(());
            }
        };
        let key = Self::unique_key(&row.vendor, row.vendor_id);
        let new = execution::New {
            vendor: &row.vendor,
            vendor_id: row.vendor_id,
            trigger: Trigger::Schedule,
            attributes: row.params.clone(),
            unique: Some(&key),
            tasks: 1,
        };
        match self.insert(tx, new, &[task]).await {
            Ok(_) => Ok(()),
            Err(JobsError::Running) => {
                tracing::info!(vendor = row.vendor, "skipped: the last run has not ended");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
