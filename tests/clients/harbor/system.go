package main

import (
	"bytes"

	"github.com/go-openapi/swag"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/auditlog"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/configure"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/health"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/permissions"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/ping"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/search"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/statistic"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/system_cve_allowlist"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/systeminfo"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// system reads what is true of the whole server, and changes a setting.
func system(t *tour) {
	expect(ok(t.api.Health.GetHealth(t.ctx, health.NewGetHealthParams())).Payload.Status == "healthy", "not healthy")
	expect(ok(t.api.Ping.GetPing(t.ctx, ping.NewGetPingParams())).Payload == "Pong", "no pong")
	info := ok(t.api.Systeminfo.GetSystemInfo(t.ctx, systeminfo.NewGetSystemInfoParams())).Payload
	expect(*info.AuthMode == "db_auth", "auth mode %s", *info.AuthMode)
	_, err := t.api.Systeminfo.GetCert(t.ctx, systeminfo.NewGetCertParams(), &bytes.Buffer{})
	expect(err != nil, "a certificate, though none is configured")
	ok(t.api.Systeminfo.GetVolumes(t.ctx, systeminfo.NewGetVolumesParams()))
	ok(t.api.Statistic.GetStatistic(t.ctx, statistic.NewGetStatisticParams()))
	found := ok(t.api.Search.Search(t.ctx, search.NewSearchParams().WithQ("libr"))).Payload
	expect(len(found.Project) == 1, "library is not found")

	settings := ok(t.api.Configure.GetConfigurations(t.ctx, configure.NewGetConfigurationsParams())).Payload
	expect(settings.ReadOnly != nil && !settings.ReadOnly.Value, "read only")
	change := &models.Configurations{BannerMessage: swag.String(""), RobotTokenDuration: swag.Int64(31)}
	ok(t.api.Configure.UpdateConfigurations(t.ctx, configure.NewUpdateConfigurationsParams().WithConfigurations(change)))
	_, err = t.api.Configure.GetInternalconfig(t.ctx, configure.NewGetInternalconfigParams())
	expect(err != nil, "what is for Harbor's own parts is shown")
	settings = ok(t.api.Configure.GetConfigurations(t.ctx, configure.NewGetConfigurationsParams())).Payload
	expect(settings.RobotTokenDuration.Value == 31, "the setting did not change")

	ok(t.api.Permissions.GetPermissions(t.ctx, permissions.NewGetPermissionsParams()))
	list := &models.CVEAllowlist{Items: []*models.CVEAllowlistItem{{CVEID: "CVE-2026-0001"}}}
	ok(t.api.SystemCVEAllowlist.PutSystemCVEAllowlist(t.ctx, system_cve_allowlist.NewPutSystemCVEAllowlistParams().WithAllowlist(list)))
	read := ok(t.api.SystemCVEAllowlist.GetSystemCVEAllowlist(t.ctx, system_cve_allowlist.NewGetSystemCVEAllowlistParams())).Payload
	expect(len(read.Items) == 1 && read.Items[0].CVEID == "CVE-2026-0001", "the allow-list is lost")
	list.Items = nil
	ok(t.api.SystemCVEAllowlist.PutSystemCVEAllowlist(t.ctx, system_cve_allowlist.NewPutSystemCVEAllowlistParams().WithAllowlist(list)))

	ok(t.api.Auditlog.ListAuditLogs(t.ctx, auditlog.NewListAuditLogsParams()))
	ok(t.api.Auditlog.ListAuditLogExts(t.ctx, auditlog.NewListAuditLogExtsParams()))
	ok(t.api.Auditlog.ListAuditLogEventTypes(t.ctx, auditlog.NewListAuditLogEventTypesParams()))
}
