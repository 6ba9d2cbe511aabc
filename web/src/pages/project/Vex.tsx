/** What a project's people say about vulnerabilities of its images: OpenVEX documents. */
import { ActionIcon, Anchor, Button, Group, Stack, Text, Tooltip } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { useListState } from '../../lib/list';
import { usePlace } from '../../lib/place';
import { STALE } from '../../lib/vex';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { Section } from '../../ui/Screen';
import { When } from '../../ui/Small';
import { VexForm } from './VexForm';
import { VexView } from './VexView';

type Document = Schemas['VexDocument'];

export function Vex() {
  const { t } = useI18n();
  const act = useAct();
  const format = useFormat();
  const state = useListState();
  const { project } = usePlace();
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const [adding, setAdding] = useState(false);
  const { document } = state.filters;
  const list = useQuery({
    queryKey: ['vex', project],
    queryFn: async () => {
      const params = { path: { project_name_or_id: project } };
      const items = (await ok(api.GET('/projects/{project_name_or_id}/vex', { params }))) ?? [];
      return { items, total: items.length };
    },
  });
  const remove = async (row: Document) => {
    const sure = await ask({
      title: t('vex.delete'),
      body: t('vex.deleteAsk', { name: row.name }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    const path = { project_name_or_id: project, vex_id: row.id };
    await act(
      () => ok(api.DELETE('/projects/{project_name_or_id}/vex/{vex_id}', { params: { path } })),
      { done: t('common.deleted', { name: row.name }), stale: STALE },
    );
  };
  const may = can('scanner', 'create');
  const columns: Column<Document>[] = [
    {
      id: 'name',
      label: t('vex.document'),
      primary: true,
      cell: (row) => (
        <Anchor
          component="button"
          type="button"
          ta="start"
          className="break touch"
          onClick={() => state.setFilters({ document: String(row.id) })}
        >
          {row.name}
        </Anchor>
      ),
    },
    {
      id: 'author',
      label: t('vex.author'),
      cell: (row) => <span className="break">{row.author}</span>,
    },
    {
      id: 'statements',
      label: t('vex.statements'),
      right: true,
      cell: (row) => (
        <Stack gap={0}>
          {format.number(row.statements)}
          {row.skipped > 0 && (
            <Text size="xs" c="dimmed" className="nowrap">
              {t('vex.skipped', { count: row.skipped })}
            </Text>
          )}
        </Stack>
      ),
    },
    { id: 'by', label: t('vex.sentBy'), cell: (row) => row.sent_by },
    {
      id: 'updated',
      label: t('common.updated'),
      cell: (row) => <When time={row.update_time} />,
    },
  ];
  if (may) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Tooltip label={t('common.delete')}>
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label={`${t('common.delete')} ${row.name}`}
            onClick={() => remove(row)}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      ),
    });
  }
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
      {t('vex.add')}
    </Button>
  );
  const none = (
    <Empty
      title={t('vex.none')}
      next={
        <Stack gap="xs">
          <span>{t('vex.noneWhat')}</span>
          <span>{t('vex.noneHow')}</span>
          <span>{may ? t('vex.noneNext') : t('vex.noneMay')}</span>
        </Stack>
      }
      action={<Group justify="center">{add}</Group>}
    />
  );
  const shown = list.data?.items.find((row) => String(row.id) === document);
  return (
    <Section
      title={t('vex.title')}
      about={t('vex.about')}
      actions={(list.data?.total ?? 0) > 0 && add}
    >
      <DataTable
        label={t('vex.title')}
        list={list}
        columns={columns}
        keyOf={(row) => row.id}
        empty={none}
      />
      {adding && <VexForm project={project} onClose={() => setAdding(false)} />}
      {shown && (
        <VexView
          project={project}
          about={shown}
          onClose={() => state.setFilters({ document: undefined })}
        />
      )}
    </Section>
  );
}
