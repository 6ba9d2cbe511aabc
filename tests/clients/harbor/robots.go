package main

import (
	"github.com/go-openapi/swag"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/repository"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/robot"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// robots makes one of a project, uses it, and gives it another secret.
func robots(t *tour) {
	api := t.api.Robot
	made := ok(api.CreateRobot(t.ctx, robot.NewCreateRobotParams().WithRobot(&models.RobotCreate{
		Name: "walker", Level: "project", Duration: 30,
		Permissions: []*models.RobotPermission{{Kind: "project", Namespace: home, Access: []*models.Access{
			{Resource: "repository", Action: "list"}, {Resource: "repository", Action: "pull"},
		}}},
	}))).Payload
	expect(made.Name == "robot$"+home+"+walker" && made.Secret != "", "robot %s", made.Name)
	lists := func(secret string) error {
		_, err := t.as(made.Name, secret).Repository.ListRepositories(t.ctx, repository.NewListRepositoriesParams().WithProjectName(home))
		return err
	}
	must(lists(made.Secret))
	expect(len(ok(api.ListRobot(t.ctx, robot.NewListRobotParams())).Payload) == 0, "robots of the system")
	held := ok(api.GetRobotByID(t.ctx, robot.NewGetRobotByIDParams().WithRobotID(made.ID))).Payload
	held.Description = "walks"
	held.Duration = swag.Int64(60)
	// The client leaves out what is false.
	for _, disable := range []bool{true, false} {
		held.Disable = disable
		ok(api.UpdateRobot(t.ctx, robot.NewUpdateRobotParams().WithRobotID(made.ID).WithRobot(held)))
		expect((lists(made.Secret) != nil) == disable, "disable: %v", disable)
	}
	fresh := ok(api.RefreshSec(t.ctx, robot.NewRefreshSecParams().WithRobotID(made.ID).WithRobotSec(&models.RobotSec{}))).Payload.Secret
	expect(lists(made.Secret) != nil, "the old secret is taken")
	must(lists(fresh))
	ok(api.DeleteRobot(t.ctx, robot.NewDeleteRobotParams().WithRobotID(made.ID)))
}
