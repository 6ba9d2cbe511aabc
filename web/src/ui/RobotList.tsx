/** Robot accounts, of one project or of the system. */
import { ActionIcon, Badge, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../api/client';
import { kept } from '../api/queries';
import { useT } from '../i18n';
import { useAct } from '../lib/act';
import { useFormat } from '../lib/format';
import { containing, useListState } from '../lib/list';
import { type Column, DataTable } from './DataTable';
import { ask, Notice } from './Dialogs';
import { Empty } from './Notices';
import { RobotForm } from './RobotForm';
import { Section } from './Screen';
import { Line, Search, When } from './Small';

export type Robot = Schemas['Robot'];

export interface Secret {
  name: string;
  secret: string;
}

interface Props {
  /** Robots of the system have none. */
  project?: { id: number; name: string };
  may: (action: string) => boolean;
}

export function RobotList({ project, may }: Props) {
  const t = useT();
  const act = useAct();
  const format = useFormat();
  const state = useListState();
  const [editing, setEditing] = useState<Robot | 'new' | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const { name } = state.filters;
  const scope = project ? [`Level=project,ProjectID=${project.id}`] : ['Level=system'];
  const q = [...scope, containing({ name })].filter(Boolean).join(',');
  const list = useQuery({
    queryKey: ['robots', project?.id ?? 'system', state.page, state.size, state.sort, q],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/robots', {
          params: {
            query: { page: state.page, page_size: state.size, sort: state.sort ?? 'name', q },
          },
        }),
      ),
  });
  const stale = [['robots']];
  const remove = async (robot: Robot) => {
    const sure = await ask({
      title: t('robots.delete'),
      body: t('robots.deleteAbout', { name: robot.name }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    const params = { path: { robot_id: robot.id } };
    await act(() => ok(api.DELETE('/robots/{robot_id}', { params })), {
      done: t('common.deleted', { name: robot.name }),
      stale,
    });
  };
  const renew = async (robot: Robot) => {
    const sure = await ask({
      title: t('robots.refresh'),
      body: t('robots.refreshAbout', { name: robot.name }),
      action: t('robots.refresh'),
      danger: true,
    });
    if (!sure) return;
    const params = { path: { robot_id: robot.id } };
    await act(
      async () => {
        const made = await ok(api.PATCH('/robots/{robot_id}', { params, body: { secret: '' } }));
        setSecret({ name: robot.name, secret: made.secret });
      },
      { stale },
    );
  };
  const turn = (robot: Robot, disable: boolean) =>
    act(
      () =>
        ok(
          api.PUT('/robots/{robot_id}', {
            params: { path: { robot_id: robot.id } },
            body: {
              name: robot.name,
              description: robot.description,
              level: robot.level,
              duration: robot.duration,
              permissions: robot.permissions,
              disable,
            },
          }),
        ),
      { done: t('common.saved'), stale },
    );
  const columns: Column<Robot>[] = [
    {
      id: 'name',
      label: t('common.name'),
      sort: 'name',
      primary: true,
      cell: (row) => (
        <Stack gap={0}>
          <span className="break">{row.name}</span>
          {row.description && (
            <Text size="xs" c="dimmed" fw={400} className="break">
              {row.description}
            </Text>
          )}
        </Stack>
      ),
    },
    {
      id: 'state',
      label: t('common.status'),
      cell: (row) => <RobotState robot={row} />,
    },
    {
      id: 'permissions',
      label: t('robots.permissions'),
      cell: (row) =>
        t('robots.permissionsCount', {
          count: row.permissions.reduce((sum, one) => sum + one.access.length, 0),
        }),
    },
    {
      id: 'expires',
      label: t('robots.expires'),
      cell: (row) =>
        row.expires_at < 0 ? (
          t('robots.neverExpires')
        ) : (
          <span className="nowrap">
            {format.moment(new Date(row.expires_at * 1000).toISOString())}
          </span>
        ),
    },
    { id: 'created', label: t('common.created'), cell: (row) => <When time={row.creation_time} /> },
  ];
  if (may('update') || may('delete')) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Menu position="bottom-end" withArrow>
          <Menu.Target>
            <ActionIcon variant="subtle" aria-label={t('common.more', { name: row.name })}>
              <IconDots size={16} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {may('update') && (
              <>
                <Menu.Item onClick={() => setEditing(row)}>{t('common.edit')}</Menu.Item>
                <Menu.Item onClick={() => renew(row)}>{t('robots.refresh')}</Menu.Item>
                <Menu.Item onClick={() => turn(row, !row.disable)}>
                  {row.disable ? t('robots.enable') : t('robots.disable')}
                </Menu.Item>
              </>
            )}
            {may('delete') && (
              <Menu.Item color="red" onClick={() => remove(row)}>
                {t('common.delete')}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      ),
    });
  }
  const create = may('create') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('robots.create')}
    </Button>
  );
  return (
    <Section
      title={t('robots.title')}
      about={project ? t('robots.about') : t('robots.aboutSystem')}
      actions={create}
    >
      <DataTable
        label={t('robots.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        toolbar={
          <Search
            label={t('robots.search')}
            value={name ?? ''}
            onChange={(value) => state.setFilters({ name: value })}
          />
        }
        empty={
          name ? (
            <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
          ) : (
            <Empty title={t('robots.none')} next={t('robots.noneNext')} action={create} />
          )
        }
      />
      {editing && (
        <RobotForm
          robot={editing === 'new' ? null : editing}
          project={project}
          onClose={() => setEditing(null)}
          onSecret={setSecret}
        />
      )}
      {secret && (
        <Notice title={t('robots.secret')} onClose={() => setSecret(null)}>
          <Stack gap="sm">
            <Text size="sm">{t('robots.secretAbout')}</Text>
            <Line text={secret.name} label={t('robots.copyName')} />
            <Line text={secret.secret} label={t('common.copySecret')} />
            <Line
              text={`docker login ${location.host} --username '${secret.name}'`}
              label={t('common.copyCommand')}
            />
          </Stack>
        </Notice>
      )}
    </Section>
  );
}

function RobotState({ robot }: { robot: Robot }) {
  const t = useT();
  const expired = robot.expires_at >= 0 && robot.expires_at * 1000 < Date.now();
  const [color, text] = robot.disable
    ? ['gray', t('robots.disabled')]
    : expired
      ? ['red', t('robots.expired')]
      : ['green', t('robots.enabled')];
  return (
    <Group gap={4}>
      <Badge variant="light" color={color} tt="none">
        {text}
      </Badge>
    </Group>
  );
}
