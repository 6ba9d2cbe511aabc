/** Which scanner a project uses. */
import { NativeSelect, Paper, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { all, api, ok, type Schemas } from '../../api/client';
import { useT } from '../../i18n';
import { useAct } from '../../lib/act';
import { Failure, Waiting } from '../../ui/Notices';
import { Section } from '../../ui/Screen';

type Scanner = Schemas['ScannerRegistration'];

export function ProjectScanner({ project, may }: { project: string; may: boolean }) {
  const t = useT();
  const act = useAct();
  const path = { project_name_or_id: project };
  const found = useQuery({
    queryKey: ['project-scanner', project],
    queryFn: () => ok(api.GET('/projects/{project_name_or_id}/scanner', { params: { path } })),
  });
  const candidates = useQuery({
    queryKey: ['project-scanner', project, 'candidates'],
    enabled: may,
    queryFn: () =>
      all((page) =>
        api.GET('/projects/{project_name_or_id}/scanner/candidates', {
          params: { path, query: { page, page_size: 100 } },
        }),
      ),
  });
  const choose = (uuid: string) =>
    act(
      () =>
        ok(api.PUT('/projects/{project_name_or_id}/scanner', { params: { path }, body: { uuid } })),
      { done: t('common.saved'), stale: [['project-scanner', project]] },
    );
  const nameOf = (one: Scanner) => {
    if (one.is_default) return t('projectSettings.scannerDefault', { name: one.name });
    if (one.health === 'unhealthy') return t('projectSettings.scannerOut', { name: one.name });
    return one.name;
  };
  const chosen = found.data;
  // The one in use is shown even if it could not be chosen any more.
  const offered = (candidates.data ?? []).filter(
    (one) => !one.disabled && one.uuid !== chosen?.uuid,
  );
  return (
    <Section title={t('projectSettings.scanner')} about={t('projectSettings.scannerAbout')}>
      {found.error && !chosen && <Failure error={found.error} retry={() => found.refetch()} />}
      {!found.error && !chosen && <Waiting />}
      {chosen && (
        <Paper withBorder p="md">
          <Stack>
            <NativeSelect
              maw={420}
              aria-label={t('projectSettings.scanner')}
              value={chosen.uuid}
              disabled={!may}
              onChange={(event) => choose(event.currentTarget.value)}
              data={[chosen, ...offered].map((one) => ({ value: one.uuid, label: nameOf(one) }))}
            />
          </Stack>
        </Paper>
      )}
    </Section>
  );
}
