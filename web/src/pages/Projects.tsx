/** All projects that one may see, and the way to a new one. */
import { Button, Group, NativeSelect, SimpleGrid, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, ok, page, type Schemas } from '../api/client';
import { kept, LIVE, useSystemInfo } from '../api/queries';
import { useI18n } from '../i18n';
import { useIsAdmin, useSession } from '../lib/access';
import { useFormat } from '../lib/format';
import { useListState } from '../lib/list';
import { roleName } from '../lib/roles';
import { type Column, DataTable } from '../ui/DataTable';
import { Figure, Visibility } from '../ui/Figure';
import { ProjectLink } from '../ui/Links';
import { Empty } from '../ui/Notices';
import { Screen } from '../ui/Screen';
import { Search, When } from '../ui/Small';
import { NewProject } from './NewProject';

type Row = Schemas['Project'];

export function Projects() {
  const { t, word } = useI18n();
  const state = useListState();
  const { user } = useSession();
  const admin = useIsAdmin();
  const { data: info } = useSystemInfo();
  const [making, dialog] = useDisclosure();
  const { name, visibility } = state.filters;
  const list = useQuery({
    queryKey: ['projects', state.page, state.size, state.sort, name, visibility],
    ...kept,
    refetchInterval: LIVE,
    queryFn: () =>
      page(
        api.GET('/projects', {
          params: {
            query: {
              page: state.page,
              page_size: state.size,
              sort: state.sort ?? 'name',
              name: name || undefined,
              public: visibility ? visibility === 'public' : undefined,
            },
          },
        }),
      ),
  });
  const mayMake = !!user && (admin || info?.project_creation_restriction !== 'adminonly');
  const create = mayMake && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
      {t('projects.create')}
    </Button>
  );
  const columns: Column<Row>[] = [
    {
      id: 'name',
      label: t('projects.name'),
      sort: 'name',
      primary: true,
      cell: (row) => <ProjectLink project={row.name} />,
    },
    {
      id: 'visibility',
      label: t('projects.visibility'),
      cell: (row) => <Visibility open={row.metadata.public === 'true'} />,
    },
    ...(user
      ? [
          {
            id: 'role',
            label: t('projects.role'),
            cell: (row: Row) => {
              const role = roleName(row.current_user_role_id);
              return role ? (
                word('roles', role)
              ) : (
                <Text span c="dimmed">
                  —
                </Text>
              );
            },
          },
        ]
      : []),
    {
      id: 'repositories',
      label: t('projects.repositories'),
      right: true,
      cell: (row) => row.repo_count,
    },
    {
      id: 'created',
      label: t('common.created'),
      sort: 'creation_time',
      cell: (row) => <When time={row.creation_time} />,
    },
  ];
  const filtered = !!(name || visibility);
  return (
    <Screen title={t('projects.title')} about={t('projects.about')} actions={create}>
      {user && <Figures />}
      <DataTable
        label={t('projects.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.project_id}
        toolbar={
          <Group gap="sm">
            <Search
              label={t('projects.search')}
              value={name ?? ''}
              onChange={(value) => state.setFilters({ name: value })}
            />
            <NativeSelect
              aria-label={t('projects.visibility')}
              value={visibility ?? ''}
              onChange={(event) => state.setFilters({ visibility: event.currentTarget.value })}
              data={[
                { value: '', label: t('projects.all') },
                { value: 'public', label: t('projects.public') },
                { value: 'private', label: t('projects.private') },
              ]}
            />
          </Group>
        }
        empty={
          filtered ? (
            <Empty title={t('table.nothing')} next={t('table.nothingNext')} />
          ) : (
            <Empty
              title={t('projects.none')}
              next={user ? t('projects.noneNext') : t('projects.noneVisitor')}
              action={create}
            />
          )
        }
      />
      {making && <NewProject onClose={dialog.close} />}
    </Screen>
  );
}

function Figures() {
  const { t } = useI18n();
  const format = useFormat();
  const { data } = useQuery({
    queryKey: ['statistics'],
    queryFn: () => ok(api.GET('/statistics')),
  });
  if (!data) return null;
  const figures: [string, string][] = [
    [
      t('projects.figureProjects'),
      format.number(
        data.total_project_count ?? data.public_project_count + data.private_project_count,
      ),
    ],
    [
      t('projects.figureRepositories'),
      format.number(data.total_repo_count ?? data.public_repo_count + data.private_repo_count),
    ],
    [t('projects.figurePublic'), format.number(data.public_project_count)],
  ];
  if (data.total_storage_consumption !== undefined && data.total_storage_consumption !== null) {
    figures.push([t('projects.figureStorage'), format.bytes(data.total_storage_consumption)]);
  }
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      {figures.map(([label, value]) => (
        <Figure key={label} label={label} value={value} />
      ))}
    </SimpleGrid>
  );
}
