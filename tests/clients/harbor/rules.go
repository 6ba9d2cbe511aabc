package main

import (
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/immutable"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/jobservice"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/retention"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// rules makes tags immutable, and retains some.
func rules(t *tour) {
	api := t.api.Immutable
	rule := &models.ImmutableRule{
		Action: "immutable", Template: "immutable_template",
		TagSelectors: []*models.ImmutableSelector{{Kind: "doublestar", Decoration: "matches", Pattern: "release-*"}},
		ScopeSelectors: map[string][]models.ImmutableSelector{
			"repository": {{Kind: "doublestar", Decoration: "repoMatches", Pattern: "**"}},
		},
	}
	id := idOf(ok(api.CreateImmuRule(t.ctx, immutable.NewCreateImmuRuleParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithImmutableRule(rule))).Location)
	held := ok(api.ListImmuRules(t.ctx, immutable.NewListImmuRulesParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
	expect(len(held) == 1 && held[0].ID == id, "%d rules", len(held))
	// The client leaves out what is false.
	for _, disabled := range []bool{true, false} {
		held[0].Disabled = disabled
		ok(api.UpdateImmuRule(t.ctx, immutable.NewUpdateImmuRuleParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithImmutableRuleID(id).WithImmutableRule(held[0])))
		held = ok(api.ListImmuRules(t.ctx, immutable.NewListImmuRulesParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
		expect(held[0].Disabled == disabled, "disabled: %v", disabled)
	}
	ok(api.DeleteImmuRule(t.ctx, immutable.NewDeleteImmuRuleParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithImmutableRuleID(id)))

	made := ok(t.api.Project.GetProject(t.ctx, project.NewGetProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
	keep := t.api.Retention
	ok(keep.GetRentenitionMetadata(t.ctx, retention.NewGetRentenitionMetadataParams()))
	policy := &models.RetentionPolicy{
		Algorithm: "or",
		Scope:     &models.RetentionPolicyScope{Level: "project", Ref: int64(made.ProjectID)},
		Trigger:   &models.RetentionRuleTrigger{Kind: "Schedule", Settings: map[string]string{"cron": ""}},
		Rules: []*models.RetentionRule{{
			Action: "retain", Template: "latestPushedK", Params: map[string]any{"latestPushedK": 10},
			TagSelectors: []*models.RetentionSelector{{Kind: "doublestar", Decoration: "matches", Pattern: "**"}},
			ScopeSelectors: map[string][]models.RetentionSelector{
				"repository": {{Kind: "doublestar", Decoration: "repoMatches", Pattern: "**"}},
			},
		}},
	}
	number := idOf(ok(keep.CreateRetention(t.ctx, retention.NewCreateRetentionParams().WithPolicy(policy))).Location)
	read := ok(keep.GetRetention(t.ctx, retention.NewGetRetentionParams().WithID(number))).Payload
	expect(len(read.Rules) == 1, "%d rules", len(read.Rules))
	ok(keep.UpdateRetention(t.ctx, retention.NewUpdateRetentionParams().WithID(number).WithPolicy(read)))
	_, begun, err := keep.TriggerRetentionExecution(t.ctx, retention.NewTriggerRetentionExecutionParams().WithID(number).WithBody(retention.TriggerRetentionExecutionBody{DryRun: true}))
	must(err)
	run := idOf(begun.Location)
	t.until("the retention has run", func() bool {
		runs := ok(keep.ListRetentionExecutions(t.ctx, retention.NewListRetentionExecutionsParams().WithID(number))).Payload
		return len(runs) == 1 && runs[0].ID == run && runs[0].Status == "Success"
	})
	tasks := ok(keep.ListRetentionTasks(t.ctx, retention.NewListRetentionTasksParams().WithID(number).WithEid(run))).Payload
	expect(len(tasks) > 0, "no tasks")
	ok(keep.GetRetentionTaskLog(t.ctx, retention.NewGetRetentionTaskLogParams().WithID(number).WithEid(run).WithTid(tasks[0].ID)))
	expect(tasks[0].JobID != "", "the task is no job")
	ok(t.api.Jobservice.ActionGetJobLog(t.ctx, jobservice.NewActionGetJobLogParams().WithJobID(tasks[0].JobID)))
	ok(t.api.Jobservice.StopRunningJob(t.ctx, jobservice.NewStopRunningJobParams().WithJobID(tasks[0].JobID)))
	ok(keep.OperateRetentionExecution(t.ctx, retention.NewOperateRetentionExecutionParams().WithID(number).WithEid(run).WithBody(retention.OperateRetentionExecutionBody{Action: "stop"})))
	ok(keep.DeleteRetention(t.ctx, retention.NewDeleteRetentionParams().WithID(number)))
}
