package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"

	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/swag"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan_all"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan_data_export"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scanner"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/securityhub"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// adapter answers as an external scanner does when it is asked what it can.
func adapter() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", "application/vnd.scanner.adapter.metadata+json; version=1.0")
		must(json.NewEncoder(writer).Encode(map[string]any{
			"scanner": map[string]string{"name": "Walker", "vendor": "Walkers", "version": "1.0"},
			"capabilities": []any{map[string]any{
				"type":                "vulnerability",
				"consumes_mime_types": []string{manifestType, "application/vnd.docker.distribution.manifest.v2+json"},
				"produces_mime_types": []string{"application/vnd.security.vulnerability.report; version=1.1"},
			}},
			"properties": map[string]string{},
		}))
	}))
}

// scanning registers a scanner, scans an image with the built-in one, and reads the report.
func scanning(t *tour) {
	other := adapter()
	defer other.Close()
	api := t.api.Scanner
	address := strfmt.URI(other.URL)
	ok(api.PingScanner(t.ctx, scanner.NewPingScannerParams().WithSettings(&models.ScannerRegistrationSettings{Name: swag.String("walker"), URL: &address})))
	registration := &models.ScannerRegistrationReq{Name: swag.String("walker"), URL: &address, Description: "walks"}
	id := path.Base(ok(api.CreateScanner(t.ctx, scanner.NewCreateScannerParams().WithRegistration(registration))).Location)
	expect(len(ok(api.ListScanners(t.ctx, scanner.NewListScannersParams())).Payload) == 2, "scanners")
	ok(api.GetScanner(t.ctx, scanner.NewGetScannerParams().WithRegistrationID(id)))
	ok(api.GetScannerMetadata(t.ctx, scanner.NewGetScannerMetadataParams().WithRegistrationID(id)))
	registration.Description = "walks far"
	ok(api.UpdateScanner(t.ctx, scanner.NewUpdateScannerParams().WithRegistrationID(id).WithRegistration(registration)))
	first := ok(t.api.Project.GetScannerOfProject(t.ctx, project.NewGetScannerOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload.UUID
	expect(len(ok(t.api.Project.ListScannerCandidatesOfProject(t.ctx, project.NewListScannerCandidatesOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload) == 2, "candidates")
	for _, uuid := range []string{id, first} {
		ok(t.api.Project.SetScannerOfProject(t.ctx, project.NewSetScannerOfProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home).WithPayload(&models.ProjectScanner{UUID: swag.String(uuid)})))
		ok(api.SetScannerAsDefault(t.ctx, scanner.NewSetScannerAsDefaultParams().WithRegistrationID(uuid).WithPayload(&models.IsDefault{IsDefault: true})))
	}
	ok(api.DeleteScanner(t.ctx, scanner.NewDeleteScannerParams().WithRegistrationID(id)))

	ok(t.api.Scan.ScanArtifact(t.ctx, scan.NewScanArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1").WithScanType(&models.ScanType{ScanType: "vulnerability"})))
	var report string
	t.until("the image is scanned", func() bool {
		held := ok(t.api.Artifact.GetArtifact(t.ctx, artifact.NewGetArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1").WithWithScanOverview(byName))).Payload
		for _, overview := range held.ScanOverview {
			report = overview.ReportID
			return overview.ScanStatus == "Success"
		}
		return false
	})
	ok(t.api.Scan.GetReportLog(t.ctx, scan.NewGetReportLogParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1").WithReportID(report)))
	found := t.addition(app, "v1", "vulnerabilities")
	expect(strings.Contains(found, "application/vnd.security.vulnerability.report"), "report %s", found)
	t.sbom("v1")
	everything := t.api.ScanAll
	ok(everything.CreateScanAllSchedule(t.ctx, scan_all.NewCreateScanAllScheduleParams().WithSchedule(scheduled("Manual", "", nil))))
	t.until("everything is scanned", func() bool {
		stats := ok(everything.GetLatestScanAllMetrics(t.ctx, scan_all.NewGetLatestScanAllMetricsParams())).Payload
		return stats.Total > 0 && !stats.Ongoing
	})
	ok(everything.GetLatestScheduledScanAllMetrics(t.ctx, scan_all.NewGetLatestScheduledScanAllMetricsParams()))
	ok(everything.UpdateScanAllSchedule(t.ctx, scan_all.NewUpdateScanAllScheduleParams().WithSchedule(scheduled("Daily", "0 0 0 * * *", nil))))
	expect(ok(everything.GetScanAllSchedule(t.ctx, scan_all.NewGetScanAllScheduleParams())).Payload.Schedule.Type == "Daily", "not daily")
	_, err := everything.StopScanAll(t.ctx, scan_all.NewStopScanAllParams())
	expect(err != nil, "nothing runs that could be stopped")
	whole := ok(t.api.Securityhub.GetSecuritySummary(t.ctx, securityhub.NewGetSecuritySummaryParams().WithWithDangerousCVE(byName).WithWithDangerousArtifact(byName))).Payload
	expect(whole.ScannedCnt > 0, "%+v", whole)
	ok(t.api.Securityhub.ListVulnerabilities(t.ctx, securityhub.NewListVulnerabilitiesParams().WithTuneCount(byName).WithWithTag(byName).WithQ(swag.String("cvss_score_v3=[7~10]"))))
	t.export()
	ok(t.api.Scan.StopScanArtifact(t.ctx, scan.NewStopScanArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference("v1").WithScanType(&models.ScanType{ScanType: "vulnerability"})))
}

// export has the vulnerabilities of a project written to a file, and fetches it.
func (t *tour) export() {
	api := t.api.ScanDataExport
	id := ok(t.api.Project.GetProject(t.ctx, project.NewGetProjectParams().WithXIsResourceName(byName).WithProjectNameOrID(home))).Payload.ProjectID
	criteria := &models.ScanDataExportRequest{JobName: "walk", Projects: []int64{int64(id)}, Repositories: "**"}
	kind := "application/vnd.security.vulnerability.report; version=1.1"
	run := ok(api.ExportScanData(t.ctx, scan_data_export.NewExportScanDataParams().WithXScanDataType(kind).WithCriteria(criteria))).Payload.ID
	t.until("the export has ended", func() bool {
		return ok(api.GetScanDataExportExecution(t.ctx, scan_data_export.NewGetScanDataExportExecutionParams().WithExecutionID(run))).Payload.FilePresent
	})
	mine := ok(api.GetScanDataExportExecutionList(t.ctx, scan_data_export.NewGetScanDataExportExecutionListParams())).Payload.Items
	expect(len(mine) == 1 && mine[0].ID == run, "%+v", mine)
	var file strings.Builder
	ok(api.DownloadScanData(t.ctx, scan_data_export.NewDownloadScanDataParams().WithExecutionID(run).WithFormat(swag.String("csv")), &file))
	expect(strings.HasPrefix(file.String(), "Repository,Artifact Digest,CVE,"), "file %s", file.String())
}

// sbom has an image's SBOM made, and reads it and what is said of it.
func (t *tour) sbom(reference string) {
	wanted := &models.ScanType{ScanType: "sbom"}
	ok(t.api.Scan.ScanArtifact(t.ctx, scan.NewScanArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference(reference).WithScanType(wanted)))
	var made *models.SBOMOverview
	t.until("the SBOM is made", func() bool {
		made = ok(t.api.Artifact.GetArtifact(t.ctx, artifact.NewGetArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference(reference).WithWithSbomOverview(byName))).Payload.SbomOverview
		return made != nil && made.ScanStatus == "Success"
	})
	ok(t.api.Scan.GetReportLog(t.ctx, scan.NewGetReportLogParams().WithProjectName(home).WithRepositoryName(app).WithReference(reference).WithReportID(made.ReportID)))
	for _, of := range []string{reference, made.SbomDigest} {
		document := t.addition(app, of, "sbom")
		expect(strings.Contains(document, "SPDX-2.3"), "SBOM %s", document)
	}
	ok(t.api.Scan.StopScanArtifact(t.ctx, scan.NewStopScanArtifactParams().WithProjectName(home).WithRepositoryName(app).WithReference(reference).WithScanType(wanted)))
}
