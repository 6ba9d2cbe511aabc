package main

import (
	"github.com/go-openapi/swag"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/label"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/member"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project_metadata"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/quota"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/user"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// home is the project that the walk makes.
const home = "walk"

// byName says that a project is named, not numbered.
var byName = swag.Bool(true)

// projects makes one, with a member, metadata, labels and a quota.
func projects(t *tour) {
	api := t.api.Project
	ok(api.CreateProject(t.ctx, project.NewCreateProjectParams().WithXResourceNameInLocation(byName).WithProject(&models.ProjectReq{
		ProjectName: home, Public: swag.Bool(false), StorageLimit: swag.Int64(1 << 30),
		Metadata: &models.ProjectMetadata{Public: "false", AutoScan: swag.String("false")},
	})))
	ok(api.HeadProject(t.ctx, project.NewHeadProjectParams().WithProjectName(home)))
	made := ok(api.GetProject(t.ctx, project.NewGetProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
	list := ok(api.ListProjects(t.ctx, project.NewListProjectsParams().WithName(swag.String(home)).WithWithDetail(swag.Bool(true))))
	expect(list.XTotalCount == 1 && list.Payload[0].Name == home, "%d projects", list.XTotalCount)
	ok(api.UpdateProject(t.ctx, project.NewUpdateProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithProject(&models.ProjectReq{
		Metadata: &models.ProjectMetadata{Public: "true", Severity: swag.String("high")},
	})))
	summary := ok(api.GetProjectSummary(t.ctx, project.NewGetProjectSummaryParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
	expect(summary.Quota.Hard["storage"] == 1<<30, "quota %v", summary.Quota.Hard)
	ok(api.GetLogs(t.ctx, project.NewGetLogsParams().WithProjectName(home)))
	ok(api.GetLogExts(t.ctx, project.NewGetLogExtsParams().WithProjectName(home)))

	metadata := t.api.ProjectMetadata
	ok(metadata.AddProjectMetadatas(t.ctx, project_metadata.NewAddProjectMetadatasParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithMetadata(map[string]string{"prevent_vul": "false"})))
	all := ok(metadata.ListProjectMetadatas(t.ctx, project_metadata.NewListProjectMetadatasParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
	expect(all["severity"] == "high", "metadata %v", all)
	ok(metadata.GetProjectMetadata(t.ctx, project_metadata.NewGetProjectMetadataParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithMetaName("severity")))
	ok(metadata.UpdateProjectMetadata(t.ctx, project_metadata.NewUpdateProjectMetadataParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithMetaName("severity").WithMetadata(map[string]string{"severity": "low"})))
	ok(metadata.DeleteProjectMetadata(t.ctx, project_metadata.NewDeleteProjectMetadataParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithMetaName("prevent_vul")))

	who := idOf(ok(t.api.User.CreateUser(t.ctx, user.NewCreateUserParams().WithUserReq(&models.UserCreationReq{
		Username: "guest7", Realname: "Guest", Email: "guest@example.org", Password: password,
	}))).Location)
	members := t.api.Member
	id := idOf(ok(members.CreateProjectMember(t.ctx, member.NewCreateProjectMemberParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithProjectMember(&models.ProjectMember{
		RoleID: 3, MemberUser: &models.UserEntity{UserID: who},
	}))).Location)
	expect(ok(members.GetProjectMember(t.ctx, member.NewGetProjectMemberParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithMid(id))).Payload.EntityName == "guest7", "another member")
	ok(members.UpdateProjectMember(t.ctx, member.NewUpdateProjectMemberParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithMid(id).WithRole(&models.RoleRequest{RoleID: 2})))
	expect(len(ok(members.ListProjectMembers(t.ctx, member.NewListProjectMembersParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithEntityname(swag.String("guest")))).Payload) == 1, "members")
	ok(members.DeleteProjectMember(t.ctx, member.NewDeleteProjectMemberParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithMid(id)))
	ok(t.api.User.DeleteUser(t.ctx, user.NewDeleteUserParams().WithUserID(who)))

	labels := t.api.Label
	new := &models.Label{Name: "walked", Color: "#00ab9a", Scope: "p", ProjectID: int64(made.ProjectID)}
	mark := idOf(ok(labels.CreateLabel(t.ctx, label.NewCreateLabelParams().WithLabel(new))).Location)
	new.Description = "was here"
	ok(labels.UpdateLabel(t.ctx, label.NewUpdateLabelParams().WithLabelID(mark).WithLabel(new)))
	expect(ok(labels.GetLabelByID(t.ctx, label.NewGetLabelByIDParams().WithLabelID(mark))).Payload.Description == "was here", "another label")
	expect(len(ok(labels.ListLabels(t.ctx, label.NewListLabelsParams().WithScope(swag.String("p")).WithProjectID(swag.Int64(int64(made.ProjectID))))).Payload) == 1, "labels")
	ok(labels.DeleteLabel(t.ctx, label.NewDeleteLabelParams().WithLabelID(mark)))

	quotas := t.api.Quota
	held := ok(quotas.ListQuotas(t.ctx, quota.NewListQuotasParams().WithReference(swag.String("project")).WithReferenceID(swag.String(swag.FormatInt32(made.ProjectID))))).Payload
	expect(len(held) == 1, "%d quotas", len(held))
	ok(quotas.GetQuota(t.ctx, quota.NewGetQuotaParams().WithID(held[0].ID)))
	ok(quotas.UpdateQuota(t.ctx, quota.NewUpdateQuotaParams().WithID(held[0].ID).WithHard(&models.QuotaUpdateReq{Hard: models.ResourceList{"storage": -1}})))
}

// leave removes what the walk made.
func leave(t *tour) {
	emptied(t)
	can := ok(t.api.Project.GetProjectDeletable(t.ctx, project.NewGetProjectDeletableParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload
	expect(can.Deletable, "the project cannot be deleted: %s", can.Message)
	ok(t.api.Project.DeleteProject(t.ctx, project.NewDeleteProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home)))
}
