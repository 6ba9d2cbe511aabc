/** Vulnerabilities of a project as files: making them, and fetching each once. */
import { Button, MultiSelect, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconDownload, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { all, api, BASE, ok, type Schemas } from '../../api/client';
import { LIVE, useProject } from '../../api/queries';
import { useI18n, useT } from '../../i18n';
import { useDone } from '../../lib/act';
import { isOver } from '../../lib/jobs';
import { usePlace } from '../../lib/place';
import { type Column, DataTable } from '../../ui/DataTable';
import { FormDialog } from '../../ui/Dialogs';
import { Empty, Waiting } from '../../ui/Notices';
import { Section } from '../../ui/Screen';
import { Moment, Status } from '../../ui/Small';

type Export = Schemas['ScanDataExportExecution'];

const STALE = [['cve-exports']];

export function CveExports() {
  const { t } = useI18n();
  const { project } = usePlace();
  const { data } = useProject(project);
  const [making, setMaking] = useState(false);
  const list = useQuery({
    queryKey: ['cve-exports'],
    refetchInterval: LIVE,
    queryFn: async () => {
      const { items = [] } = await ok(api.GET('/export/cve/executions'));
      return { items, total: items.length };
    },
  });
  if (!data) return <Waiting />;
  const make = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>
      {t('cveExports.make')}
    </Button>
  );
  const columns: Column<Export>[] = [
    { id: 'id', label: t('jobs.id'), primary: true, cell: (row) => row.id },
    { id: 'status', label: t('common.status'), cell: (row) => <Status status={row.status} /> },
    { id: 'start', label: t('jobs.started'), cell: (row) => <Moment time={row.start_time} /> },
    {
      id: 'text',
      label: t('cveExports.result'),
      cell: (row) => (
        <Text size="sm" className="break" maw="60ch">
          {row.status_text}
        </Text>
      ),
    },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => <Fetch row={row} onFetched={() => list.refetch()} />,
    },
  ];
  return (
    <Section title={t('cveExports.title')} about={t('cveExports.about')} actions={make}>
      <DataTable
        label={t('cveExports.title')}
        list={list}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('cveExports.none')} next={t('cveExports.noneNext')} />}
      />
      {making && <Form projectId={data.project_id} onClose={() => setMaking(false)} />}
    </Section>
  );
}

/** The browser fetches the file itself: it may be too large to be held by the page. */
function Fetch({ row, onFetched }: { row: Export; onFetched: () => unknown }) {
  const t = useT();
  if (!isOver(row.status) || row.status === 'Error' || row.status === 'Stopped') return null;
  if (!row.file_present) {
    return (
      <Text size="sm" c="dimmed">
        {t('cveExports.gone')}
      </Text>
    );
  }
  return (
    <Button
      component="a"
      href={`${BASE}/export/cve/download/${row.id}`}
      download
      size="compact-sm"
      variant="default"
      leftSection={<IconDownload size={14} aria-hidden />}
      aria-label={`${t('cveExports.fetch')} ${row.id}`}
      onClick={() => setTimeout(onFetched, 1_000)}
    >
      {t('cveExports.fetch')}
    </Button>
  );
}

/** What is empty is not asked for. */
const given = (text: string) => text.trim() || undefined;

function Form({ projectId, onClose }: { projectId: number; onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const form = useForm({
    initialValues: { repositories: '', tags: '', cveIds: '', labels: [] as string[] },
  });
  const labels = useQuery({
    queryKey: ['labels', 'all', projectId],
    queryFn: async () => {
      const lists = await Promise.all(
        (['g', 'p'] as const).map((scope) =>
          all((page) =>
            api.GET('/labels', {
              params: { query: { scope, project_id: projectId, page, page_size: 100 } },
            }),
          ),
        ),
      );
      return lists.flat();
    },
  });
  const submit = async () => {
    const { repositories, tags, cveIds } = form.values;
    await ok(
      api.POST('/export/cve', {
        params: {
          header: {
            'X-Scan-Data-Type': 'application/vnd.security.vulnerability.report; version=1.1',
          },
        },
        body: {
          projects: [projectId],
          repositories: given(repositories),
          tags: given(tags),
          cveIds: given(cveIds),
          labels: form.values.labels.map(Number),
        },
      }),
    );
    await done({ done: t('cveExports.begun'), stale: STALE });
  };
  return (
    <FormDialog
      title={t('cveExports.make')}
      action={t('cveExports.begin')}
      onClose={onClose}
      onSubmit={submit}
    >
      <TextInput
        label={t('cveExports.repositories')}
        description={t('cveExports.repositoriesAbout')}
        data-autofocus
        {...form.getInputProps('repositories')}
      />
      <TextInput
        label={t('cveExports.tags')}
        description={t('cveExports.tagsAbout')}
        {...form.getInputProps('tags')}
      />
      {(labels.data?.length ?? 0) > 0 && (
        <MultiSelect
          label={t('cveExports.labels')}
          description={t('cveExports.labelsAbout')}
          data={(labels.data ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
          {...form.getInputProps('labels')}
        />
      )}
      <TextInput
        label={t('cveExports.ids')}
        description={t('cveExports.idsAbout')}
        {...form.getInputProps('cveIds')}
      />
    </FormDialog>
  );
}
