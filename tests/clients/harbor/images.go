package main

import (
	"strings"

	"github.com/go-openapi/swag"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/icon"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/label"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/repository"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// app is the repository that the walk pushes to.
const app = "app"

// images pushes and looks at what is there.
func images(t *tour) {
	digest := t.push(home+"/"+app, "v1")
	t.push(home+"/"+app, "v2")
	repositories := t.api.Repository
	ok(repositories.ListAllRepositories(t.ctx, repository.NewListAllRepositoriesParams()))
	expect(ok(repositories.ListRepositories(t.ctx, repository.NewListRepositoriesParams().WithProjectName(home))).XTotalCount == 1, "repositories")
	ok(repositories.UpdateRepository(t.ctx, repository.NewUpdateRepositoryParams().WithProjectName(home).WithRepositoryName(app).WithRepository(&models.Repository{Description: "walked"})))
	held := ok(repositories.GetRepository(t.ctx, repository.NewGetRepositoryParams().WithProjectName(home).WithRepositoryName(app))).Payload
	expect(held.Description == "walked" && held.ArtifactCount == 2, "%+v", held)

	api := t.api.Artifact
	mark := idOf(ok(t.api.Label.CreateLabel(t.ctx, label.NewCreateLabelParams().WithLabel(&models.Label{Name: "good", Scope: "g"}))).Location)
	ok(api.AddLabel(t.ctx, artifact.NewAddLabelParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1").WithLabel(&models.Label{ID: mark})))
	ok(api.CreateTag(t.ctx, artifact.NewCreateTagParams().WithProjectName(home).WithRepositoryName(app).WithReference(digest).WithTag(&models.Tag{Name: "stable"})))
	one := ok(api.GetArtifact(t.ctx, artifact.NewGetArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference("stable").WithWithLabel(byName).WithWithTag(byName).WithWithScanOverview(byName).WithWithImmutableStatus(byName).WithWithAccessory(byName))).Payload
	expect(one.Digest == digest && len(one.Tags) == 2 && len(one.Labels) == 1, "%+v", one)
	list := ok(api.ListArtifacts(t.ctx, artifact.NewListArtifactsParams().WithProjectName(home).WithRepositoryName(app).WithQ(swag.String("tags=stable")).WithSort(swag.String("-push_time")).WithWithTag(byName)))
	expect(list.XTotalCount == 1 && list.Payload[0].Digest == digest, "%d artifacts", list.XTotalCount)
	ok(t.api.Project.ListArtifactsOfProject(t.ctx, project.NewListArtifactsOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home)))
	expect(ok(api.ListTags(t.ctx, artifact.NewListTagsParams().WithProjectName(home).WithRepositoryName(app).WithReference(digest).WithWithImmutableStatus(byName))).XTotalCount == 2, "tags")
	ok(api.ListAccessories(t.ctx, artifact.NewListAccessoriesParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1")))
	history := t.addition(app, "v1", "build_history")
	expect(strings.Contains(history, "COPY nothing"), "history %s", history)
	ok(t.api.Icon.GetIcon(t.ctx, icon.NewGetIconParams().WithDigest(one.Icon)))

	copied := ok(api.CopyArtifact(t.ctx, artifact.NewCopyArtifactParams().WithProjectName(home).WithRepositoryName("copy").WithFrom(home+"/"+app+"@"+digest)))
	expect(strings.Contains(copied.Location, "/repositories/copy/artifacts/"), "copied to %s", copied.Location)
	ok(api.RemoveLabel(t.ctx, artifact.NewRemoveLabelParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1").WithLabelID(mark)))
	ok(t.api.Label.DeleteLabel(t.ctx, label.NewDeleteLabelParams().WithLabelID(mark)))
	ok(api.DeleteTag(t.ctx, artifact.NewDeleteTagParams().WithProjectName(home).WithRepositoryName(app).WithReference(digest).WithTagName("stable")))
}

// emptied deletes what images left.
func emptied(t *tour) {
	ok(t.api.Artifact.DeleteArtifact(t.ctx, artifact.NewDeleteArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1")))
	for _, name := range []string{app, "copy"} {
		ok(t.api.Repository.DeleteRepository(t.ctx, repository.NewDeleteRepositoryParams().WithProjectName(home).WithRepositoryName(name)))
	}
}
