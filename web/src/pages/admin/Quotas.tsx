/** How much each project holds, and may hold. */
import { Button, NumberInput, Progress, Stack, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept } from '../../api/queries';
import { useT } from '../../i18n';
import { useDone } from '../../lib/act';
import { useFormat } from '../../lib/format';
import { useListState } from '../../lib/list';
import { type Column, DataTable } from '../../ui/DataTable';
import { FormDialog } from '../../ui/Dialogs';
import { ProjectLink } from '../../ui/Links';
import { Empty } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';

type Row = Schemas['Quota'];
const GIB = 1024 ** 3;

export function Quotas() {
  const t = useT();
  const format = useFormat();
  const state = useListState();
  const [editing, setEditing] = useState<Row | null>(null);
  const list = useQuery({
    queryKey: ['quotas', state.page, state.size, state.sort],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/quotas', {
          params: {
            query: {
              page: state.page,
              page_size: state.size,
              sort: state.sort ?? '-used.storage',
              reference: 'project',
            },
          },
        }),
      ),
  });
  const columns: Column<Row>[] = [
    {
      id: 'project',
      label: t('projects.name'),
      primary: true,
      cell: (row) => <ProjectLink project={row.ref.name} />,
    },
    { id: 'owner', label: t('project.owner'), cell: (row) => row.ref.owner_name },
    {
      id: 'used',
      label: t('quotas.used'),
      sort: 'used.storage',
      cell: (row) => {
        const { storage } = row.hard;
        const share = storage > 0 ? Math.min(1, row.used.storage / storage) : 0;
        return (
          <Stack gap={4} miw={140}>
            <span className="nowrap">
              {format.bytes(row.used.storage)}
              {storage > 0 && ` (${format.percent(row.used.storage / storage)})`}
            </span>
            {storage > 0 && (
              <Progress
                value={share * 100}
                size="sm"
                color={share > 0.9 ? 'red' : share > 0.75 ? 'yellow' : undefined}
                aria-label={t('quotas.usedOf', { name: row.ref.name })}
              />
            )}
          </Stack>
        );
      },
    },
    {
      id: 'limit',
      label: t('quotas.limit'),
      sort: 'hard.storage',
      cell: (row) =>
        row.hard.storage > 0 ? format.bytes(row.hard.storage) : t('common.unlimited'),
    },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => setEditing(row)}
          aria-label={`${t('common.edit')} ${row.ref.name}`}
        >
          {t('common.edit')}
        </Button>
      ),
    },
  ];
  return (
    <Screen title={t('quotas.title')} about={t('quotas.about')}>
      <DataTable
        label={t('quotas.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        empty={<Empty title={t('projects.none')} next={t('quotas.noneNext')} />}
      />
      {editing && <QuotaForm quota={editing} onClose={() => setEditing(null)} />}
    </Screen>
  );
}

function QuotaForm({ quota, onClose }: { quota: Row; onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const [limited, setLimited] = useState(quota.hard.storage > 0);
  const [size, setSize] = useState<number | string>(
    quota.hard.storage > 0 ? quota.hard.storage / GIB : 10,
  );
  return (
    <FormDialog
      title={quota.ref.name}
      action={t('common.save')}
      onClose={onClose}
      check={() => !limited || Number(size) > 0}
      onSubmit={async () => {
        const storage = limited ? Math.round(Number(size) * GIB) : -1;
        const params = { path: { id: quota.id } };
        await ok(api.PUT('/quotas/{id}', { params, body: { hard: { storage } } }));
        await done({ done: t('common.saved'), stale: [['quotas'], ['summary']] });
      }}
    >
      <Switch
        label={t('quotas.limited')}
        checked={limited}
        onChange={(event) => setLimited(event.currentTarget.checked)}
      />
      {limited && (
        <NumberInput
          label={t('projects.limit')}
          min={0.001}
          decimalScale={3}
          value={size}
          onChange={setSize}
          data-autofocus
        />
      )}
    </FormDialog>
  );
}
