package main

import (
	"net/http"
	"net/http/httptest"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/webhook"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/webhookjob"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// webhooks hears of a push, and reads how it was delivered.
func webhooks(t *tour) {
	heard := make(chan string, 8)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		heard <- request.Header.Get("Authorization")
	}))
	defer receiver.Close()
	api := t.api.Webhook
	ok(api.GetSupportedEventTypes(t.ctx, webhook.NewGetSupportedEventTypesParams().WithXIsResourceName(byName).WithProjectNameOrID(home)))
	policy := &models.WebhookPolicy{
		Name: "walk", Enabled: true, EventTypes: []string{"PUSH_ARTIFACT"},
		Targets: []*models.WebhookTargetObject{{Type: "http", Address: receiver.URL, AuthHeader: "Bearer walk", PayloadFormat: "Default"}},
	}
	id := idOf(ok(api.CreateWebhookPolicyOfProject(t.ctx, webhook.NewCreateWebhookPolicyOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithPolicy(policy))).Location)
	expect(len(ok(api.ListWebhookPoliciesOfProject(t.ctx, webhook.NewListWebhookPoliciesOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload) == 1, "policies")
	held := ok(api.GetWebhookPolicyOfProject(t.ctx, webhook.NewGetWebhookPolicyOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithWebhookPolicyID(id))).Payload
	held.Description = "hears of pushes"
	// The client leaves out what is false.
	for _, enabled := range []bool{false, true} {
		held.Enabled = enabled
		ok(api.UpdateWebhookPolicyOfProject(t.ctx, webhook.NewUpdateWebhookPolicyOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithWebhookPolicyID(id).WithPolicy(held)))
		held = ok(api.GetWebhookPolicyOfProject(t.ctx, webhook.NewGetWebhookPolicyOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithWebhookPolicyID(id))).Payload
		expect(held.Enabled == enabled, "enabled: %v", enabled)
	}

	t.push(home+"/"+app, "v3")
	expect(<-heard == "Bearer walk", "the receiver is not told the header")
	var run *models.Execution
	t.until("the delivery has succeeded", func() bool {
		runs := ok(api.ListExecutionsOfWebhookPolicy(t.ctx, webhook.NewListExecutionsOfWebhookPolicyParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithWebhookPolicyID(id))).Payload
		expect(len(runs) == 1, "%d executions", len(runs))
		run = runs[0]
		return run.Status == "Success"
	})
	tasks := ok(api.ListTasksOfWebhookExecution(t.ctx, webhook.NewListTasksOfWebhookExecutionParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithWebhookPolicyID(id).WithExecutionID(run.ID))).Payload
	expect(len(tasks) == 1, "%d tasks", len(tasks))
	ok(api.GetLogsOfWebhookTask(t.ctx, webhook.NewGetLogsOfWebhookTaskParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithWebhookPolicyID(id).WithExecutionID(run.ID).WithTaskID(tasks[0].ID)))
	last := ok(api.LastTrigger(t.ctx, webhook.NewLastTriggerParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
	expect(len(last) == 1 && last[0].EventType == "PUSH_ARTIFACT", "%d last triggers", len(last))
	expect(len(ok(t.api.Webhookjob.ListWebhookJobs(t.ctx, webhookjob.NewListWebhookJobsParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithPolicyID(id))).Payload) == 1, "jobs")
	ok(api.DeleteWebhookPolicyOfProject(t.ctx, webhook.NewDeleteWebhookPolicyOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithWebhookPolicyID(id)))
}
