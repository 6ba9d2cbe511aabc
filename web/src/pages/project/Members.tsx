/** Who is in a project, and as what. */
import {
  ActionIcon,
  Autocomplete,
  Button,
  Group,
  NativeSelect,
  Radio,
  Stack,
  Tooltip,
} from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { IconPlus, IconTrash, IconUser, IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept, useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan, useSession } from '../../lib/access';
import { useAct, useDone } from '../../lib/act';
import { useListState } from '../../lib/list';
import { usePlace } from '../../lib/place';
import { ROLES } from '../../lib/roles';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask, FormDialog } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { Section } from '../../ui/Screen';
import { Search } from '../../ui/Small';

type Row = Schemas['ProjectMemberEntity'];

export function Members() {
  const { t, word } = useI18n();
  const act = useAct();
  const state = useListState();
  const { project } = usePlace();
  const { user } = useSession();
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const [adding, dialog] = useDisclosure();
  const { name } = state.filters;
  const path = { project_name_or_id: project };
  const list = useQuery({
    queryKey: ['members', project, state.page, state.size, name],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name_or_id}/members', {
          params: {
            path,
            query: { page: state.page, page_size: state.size, entityname: name || undefined },
          },
        }),
      ),
  });
  const stale = [
    ['members', project],
    ['summary', project],
  ];
  const change = (row: Row, role_id: number) =>
    act(
      () =>
        ok(
          api.PUT('/projects/{project_name_or_id}/members/{mid}', {
            params: { path: { ...path, mid: row.id } },
            body: { role_id },
          }),
        ),
      { done: t('common.saved'), stale },
    );
  const remove = async (row: Row) => {
    const sure = await ask({
      title: t('members.remove'),
      body: t('members.removeAbout', { name: row.entity_name }),
      action: t('common.remove'),
      danger: true,
    });
    if (!sure) return;
    await act(
      () =>
        ok(
          api.DELETE('/projects/{project_name_or_id}/members/{mid}', {
            params: { path: { ...path, mid: row.id } },
          }),
        ),
      { done: t('members.removed', { name: row.entity_name }), stale },
    );
  };
  const isOwn = (row: Row) => row.entity_type === 'u' && row.entity_id === user?.user_id;
  const columns: Column<Row>[] = [
    {
      id: 'name',
      label: t('common.name'),
      primary: true,
      cell: (row) => {
        const Icon = row.entity_type === 'g' ? IconUsersGroup : IconUser;
        return (
          <Group gap={6} wrap="nowrap">
            <Icon size={16} aria-hidden /> {row.entity_name}
          </Group>
        );
      },
    },
    {
      id: 'kind',
      label: t('common.kind'),
      cell: (row) => (row.entity_type === 'g' ? t('members.group') : t('members.user')),
    },
    {
      id: 'role',
      label: t('members.role'),
      cell: (row) =>
        can('member', 'update') && !isOwn(row) ? (
          <NativeSelect
            size="xs"
            maw={220}
            aria-label={t('members.roleOf', { name: row.entity_name })}
            value={String(row.role_id)}
            onChange={(event) => change(row, Number(event.currentTarget.value))}
            data={ROLES.map((role) => ({
              value: String(role.id),
              label: word('roles', role.name),
            }))}
          />
        ) : (
          word('roles', row.role_name)
        ),
    },
  ];
  if (can('member', 'delete')) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) =>
        isOwn(row) ? null : (
          <Tooltip label={t('common.remove')}>
            <ActionIcon
              variant="subtle"
              color="red"
              aria-label={`${t('common.remove')} ${row.entity_name}`}
              onClick={() => remove(row)}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        ),
    });
  }
  const add = can('member', 'create') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
      {t('members.add')}
    </Button>
  );
  return (
    <Section title={t('members.title')} about={t('members.about')} actions={add}>
      <DataTable
        label={t('members.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        toolbar={
          <Search
            label={t('members.search')}
            value={name ?? ''}
            onChange={(value) => state.setFilters({ name: value })}
          />
        }
        empty={<Empty title={t('table.nothing')} next={t('table.nothingNext')} />}
      />
      {adding && <AddMember onClose={dialog.close} />}
    </Section>
  );
}

function AddMember({ onClose }: { onClose: () => void }) {
  const { t, word } = useI18n();
  const done = useDone();
  const { project } = usePlace();
  const [kind, setKind] = useState('user');
  const [name, setName] = useState('');
  const [role, setRole] = useState('2');
  const [missing, setMissing] = useState(false);
  const [wanted] = useDebouncedValue(name.trim(), 200);
  const { data: names } = useQuery({
    queryKey: ['names', kind, wanted],
    enabled: wanted !== '',
    queryFn: async () =>
      kind === 'user'
        ? (await ok(api.GET('/users/search', { params: { query: { username: wanted } } }))).map(
            (one) => one.username,
          )
        : (
            await ok(api.GET('/usergroups/search', { params: { query: { groupname: wanted } } }))
          ).map((one) => one.group_name),
  });
  const add = async () => {
    const member =
      kind === 'user'
        ? { member_user: { username: name.trim() } }
        : { member_group: { group_name: name.trim() } };
    await ok(
      api.POST('/projects/{project_name_or_id}/members', {
        params: { path: { project_name_or_id: project } },
        body: { role_id: Number(role), ...member },
      }),
    );
    await done({
      done: t('members.added', { name: name.trim() }),
      stale: [
        ['members', project],
        ['summary', project],
      ],
    });
  };
  return (
    <FormDialog
      title={t('members.add')}
      action={t('members.add')}
      onClose={onClose}
      check={() => {
        setMissing(name.trim() === '');
        return name.trim() !== '';
      }}
      onSubmit={add}
    >
      <NativeSelect
        label={t('common.kind')}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value)}
        data={[
          { value: 'user', label: t('members.user') },
          { value: 'group', label: t('members.group') },
        ]}
      />
      <Autocomplete
        label={t('common.name')}
        withAsterisk
        data-autofocus
        data={[...new Set(names ?? [])]}
        value={name}
        onChange={setName}
        error={missing ? t('rules.required') : null}
        filter={({ options }) => options}
      />
      <Radio.Group label={t('members.role')} value={role} onChange={setRole}>
        <Stack gap="xs" mt="xs">
          {ROLES.map(({ id, name: known }) => (
            <Radio
              key={id}
              value={String(id)}
              label={word('roles', known)}
              description={word('roles', `${known}About`)}
            />
          ))}
        </Stack>
      </Radio.Group>
    </FormDialog>
  );
}
