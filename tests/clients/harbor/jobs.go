package main

import (
	"time"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/gc"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/jobservice"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/purge"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/schedule"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// until asks again and again, for a minute.
func (t *tour) until(what string, holds func() bool) {
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		expect(time.Now().Before(end), "waited in vain: %s", what)
	}
}

func scheduled(kind, cron string, parameters map[string]any) *models.Schedule {
	return &models.Schedule{Schedule: &models.ScheduleObj{Type: kind, Cron: cron}, Parameters: parameters}
}

// jobs collects garbage and purges the log, and looks at the job service.
func jobs(t *tour) {
	collect := t.api.GC
	dry := map[string]any{"delete_untagged": false, "dry_run": true}
	ok(collect.CreateGCSchedule(t.ctx, gc.NewCreateGCScheduleParams().WithSchedule(scheduled("Manual", "", dry))))
	var run *models.GCHistory
	t.until("the collection has run", func() bool {
		runs := ok(collect.GetGCHistory(t.ctx, gc.NewGetGCHistoryParams())).Payload
		expect(len(runs) > 0, "no history")
		run = runs[0]
		return run.JobStatus == "Success"
	})
	ok(collect.GetGC(t.ctx, gc.NewGetGCParams().WithGCID(run.ID)))
	ok(collect.GetGCLog(t.ctx, gc.NewGetGCLogParams().WithGCID(run.ID)))
	ok(collect.StopGC(t.ctx, gc.NewStopGCParams().WithGCID(run.ID)))
	ok(collect.UpdateGCSchedule(t.ctx, gc.NewUpdateGCScheduleParams().WithSchedule(scheduled("Weekly", "0 0 0 * * 0", dry))))
	expect(ok(collect.GetGCSchedule(t.ctx, gc.NewGetGCScheduleParams())).Payload.Schedule.Type == "Weekly", "not weekly")

	old := t.api.Purge
	hours := map[string]any{"audit_retention_hour": 240, "include_operations": "create,delete", "dry_run": true}
	ok(old.CreatePurgeSchedule(t.ctx, purge.NewCreatePurgeScheduleParams().WithSchedule(scheduled("Manual", "", hours))))
	var purged *models.ExecHistory
	t.until("the log is purged", func() bool {
		runs := ok(old.GetPurgeHistory(t.ctx, purge.NewGetPurgeHistoryParams())).Payload
		expect(len(runs) > 0, "no history")
		purged = runs[0]
		return purged.JobStatus == "Success"
	})
	ok(old.GetPurgeJob(t.ctx, purge.NewGetPurgeJobParams().WithPurgeID(purged.ID)))
	ok(old.GetPurgeJobLog(t.ctx, purge.NewGetPurgeJobLogParams().WithPurgeID(purged.ID)))
	ok(old.StopPurge(t.ctx, purge.NewStopPurgeParams().WithPurgeID(purged.ID)))
	ok(old.UpdatePurgeSchedule(t.ctx, purge.NewUpdatePurgeScheduleParams().WithSchedule(scheduled("Daily", "0 0 0 * * *", hours))))
	ok(old.GetPurgeSchedule(t.ctx, purge.NewGetPurgeScheduleParams()))

	api := t.api.Jobservice
	pools := ok(api.GetWorkerPools(t.ctx, jobservice.NewGetWorkerPoolsParams())).Payload
	expect(len(pools) > 0, "no worker pools")
	ok(api.GetWorkers(t.ctx, jobservice.NewGetWorkersParams().WithPoolID(pools[0].WorkerPoolID)))
	queues := ok(api.ListJobQueues(t.ctx, jobservice.NewListJobQueuesParams())).Payload
	expect(len(queues) > 0, "no queues")
	for _, action := range []string{"pause", "resume", "stop"} {
		ok(api.ActionPendingJobs(t.ctx, jobservice.NewActionPendingJobsParams().WithJobType("GARBAGE_COLLECTION").WithActionRequest(&models.ActionRequest{Action: action})))
	}
	expect(len(ok(t.api.Schedule.ListSchedules(t.ctx, schedule.NewListSchedulesParams())).Payload) >= 2, "schedules")
	expect(!ok(t.api.Schedule.GetSchedulePaused(t.ctx, schedule.NewGetSchedulePausedParams().WithJobType("all"))).Payload.Paused, "paused")
}
