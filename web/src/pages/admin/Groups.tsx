/** Groups of users, which projects can have as members. */
import { ActionIcon, Button, Group, TextInput, Tooltip } from '@mantine/core';
import { IconEdit, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useAct, useDone } from '../../lib/act';
import { useListState } from '../../lib/list';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask, FormDialog } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';
import { Search } from '../../ui/Small';

type Row = Schemas['UserGroup'];

/** Harbor's number of groups that no directory knows. */
const HTTP_GROUP = 2;

export function Groups() {
  const { t, word } = useI18n();
  const act = useAct();
  const state = useListState();
  const [editing, setEditing] = useState<Row | 'new' | null>(null);
  const { name } = state.filters;
  const list = useQuery({
    queryKey: ['groups', state.page, state.size, name],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/usergroups', {
          params: {
            query: { page: state.page, page_size: state.size, group_name: name || undefined },
          },
        }),
      ),
  });
  const remove = async (row: Row) => {
    const sure = await ask({
      title: t('groups.delete'),
      body: t('groups.deleteAbout', { name: row.group_name }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    const params = { path: { group_id: row.id } };
    await act(() => ok(api.DELETE('/usergroups/{group_id}', { params })), {
      done: t('common.deleted', { name: row.group_name }),
      stale: [['groups']],
    });
  };
  const columns: Column<Row>[] = [
    { id: 'name', label: t('common.name'), primary: true, cell: (row) => row.group_name },
    {
      id: 'kind',
      label: t('common.kind'),
      cell: (row) => word('groups', `kind${row.group_type}`),
    },
    {
      id: 'dn',
      label: t('groups.dn'),
      cell: (row) => <span className="break mono">{row.ldap_group_dn}</span>,
    },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={4} wrap="nowrap" justify="flex-end">
          <Tooltip label={t('common.edit')}>
            <ActionIcon
              variant="subtle"
              aria-label={`${t('common.edit')} ${row.group_name}`}
              onClick={() => setEditing(row)}
            >
              <IconEdit size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('common.delete')}>
            <ActionIcon
              variant="subtle"
              color="red"
              aria-label={`${t('common.delete')} ${row.group_name}`}
              onClick={() => remove(row)}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      ),
    },
  ];
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('groups.create')}
    </Button>
  );
  return (
    <Screen title={t('groups.title')} about={t('groups.about')} actions={add}>
      <DataTable
        label={t('groups.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        toolbar={
          <Search
            label={t('groups.search')}
            value={name ?? ''}
            onChange={(value) => state.setFilters({ name: value })}
          />
        }
        empty={<Empty title={t('groups.none')} next={t('groups.noneNext')} />}
      />
      {editing && (
        <GroupForm group={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
      )}
    </Screen>
  );
}

function GroupForm({ group, onClose }: { group: Row | null; onClose: () => void }) {
  const { t } = useI18n();
  const done = useDone();
  const [name, setName] = useState(group?.group_name ?? '');
  return (
    <FormDialog
      title={group ? t('groups.edit') : t('groups.create')}
      action={t('common.save')}
      onClose={onClose}
      check={() => name.trim() !== ''}
      onSubmit={async () => {
        const body = { group_name: name.trim(), group_type: group?.group_type ?? HTTP_GROUP };
        await ok(
          group
            ? api.PUT('/usergroups/{group_id}', { params: { path: { group_id: group.id } }, body })
            : api.POST('/usergroups', { body }),
        );
        await done({ done: t('common.saved'), stale: [['groups']] });
      }}
    >
      <TextInput
        label={t('common.name')}
        withAsterisk
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
