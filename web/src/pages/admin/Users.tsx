/** The accounts of people. */
import { ActionIcon, Badge, Button, Menu, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page } from '../../api/client';
import { kept } from '../../api/queries';
import type { User } from '../../api/session';
import { useT } from '../../i18n';
import { useSession } from '../../lib/access';
import { useAct, useDone } from '../../lib/act';
import { containing, useListState } from '../../lib/list';
import { isPassword } from '../../lib/rules';
import {
  AccountFields,
  emptyAccount,
  PasswordFields,
  useAccountForm,
} from '../../ui/AccountFields';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask, FormDialog } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';
import { Search, When } from '../../ui/Small';

export function Users() {
  const t = useT();
  const act = useAct();
  const state = useListState();
  const { user } = useSession();
  const [making, dialog] = useDisclosure();
  const [resetting, setResetting] = useState<User | null>(null);
  const { name } = state.filters;
  const q = containing({ username: name });
  const list = useQuery({
    queryKey: ['users', state.page, state.size, state.sort, q],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/users', {
          params: {
            query: { page: state.page, page_size: state.size, sort: state.sort ?? 'username', q },
          },
        }),
      ),
  });
  const stale = [['users']];
  const setAdmin = async (row: User) => {
    const on = !row.sysadmin_flag;
    const sure = await ask({
      title: on ? t('users.makeAdmin') : t('users.dropAdmin'),
      body: on
        ? t('users.makeAdminAbout', { name: row.username })
        : t('users.dropAdminAbout', { name: row.username }),
      action: on ? t('users.makeAdmin') : t('users.dropAdmin'),
    });
    if (!sure) return;
    const params = { path: { user_id: row.user_id } };
    await act(
      () => ok(api.PUT('/users/{user_id}/sysadmin', { params, body: { sysadmin_flag: on } })),
      { done: t('common.saved'), stale },
    );
  };
  const remove = async (row: User) => {
    const sure = await ask({
      title: t('users.delete'),
      body: t('users.deleteAbout', { name: row.username }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    const params = { path: { user_id: row.user_id } };
    await act(() => ok(api.DELETE('/users/{user_id}', { params })), {
      done: t('common.deleted', { name: row.username }),
      stale,
    });
  };
  const columns: Column<User>[] = [
    {
      id: 'name',
      label: t('users.name'),
      sort: 'username',
      primary: true,
      cell: (row) => row.username,
    },
    {
      id: 'admin',
      label: t('users.admin'),
      cell: (row) =>
        row.sysadmin_flag ? (
          <Badge variant="light" tt="none">
            {t('users.admin')}
          </Badge>
        ) : (
          t('common.no')
        ),
    },
    { id: 'realname', label: t('users.realname'), cell: (row) => row.realname },
    {
      id: 'email',
      label: t('users.email'),
      cell: (row) => <span className="break">{row.email ?? ''}</span>,
    },
    {
      id: 'since',
      label: t('users.registered'),
      sort: 'creation_time',
      cell: (row) => <When time={row.creation_time} />,
    },
    {
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => {
        // The first account stays an administrator; nobody takes the right to help away from oneself.
        const fixed = row.user_id === 1 || row.user_id === user?.user_id;
        return (
          <Menu position="bottom-end" withArrow>
            <Menu.Target>
              <ActionIcon variant="subtle" aria-label={t('common.more', { name: row.username })}>
                <IconDots size={16} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setAdmin(row)} disabled={fixed}>
                {row.sysadmin_flag ? t('users.dropAdmin') : t('users.makeAdmin')}
              </Menu.Item>
              <Menu.Item onClick={() => setResetting(row)} disabled={row.user_id === user?.user_id}>
                {t('users.resetPassword')}
              </Menu.Item>
              <Menu.Item color="red" onClick={() => remove(row)} disabled={fixed}>
                {t('common.delete')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        );
      },
    },
  ];
  return (
    <Screen
      title={t('users.title')}
      about={t('users.about')}
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
          {t('users.create')}
        </Button>
      }
    >
      <DataTable
        label={t('users.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.user_id}
        toolbar={
          <Search
            label={t('users.search')}
            value={name ?? ''}
            onChange={(value) => state.setFilters({ name: value })}
          />
        }
        empty={<Empty title={t('users.none')} next={t('users.noneNext')} />}
      />
      {making && <NewUser onClose={dialog.close} />}
      {resetting && <NewPassword user={resetting} onClose={() => setResetting(null)} />}
    </Screen>
  );
}

function NewUser({ onClose }: { onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const form = useAccountForm(emptyAccount);
  return (
    <FormDialog
      title={t('users.create')}
      action={t('users.create')}
      onClose={onClose}
      check={() => !form.validate().hasErrors}
      onSubmit={async () => {
        const { repeated: _, ...body } = form.values;
        await ok(api.POST('/users', { body }));
        await done({ done: t('users.created', { name: body.username }), stale: [['users']] });
      }}
    >
      <AccountFields form={form} />
    </FormDialog>
  );
}

function NewPassword({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const form = useForm({
    initialValues: { password: '', repeated: '' },
    validate: {
      password: (value) => (isPassword(value) ? null : t('rules.password')),
      repeated: (value, all) => (value === all.password ? null : t('rules.repeated')),
    },
  });
  return (
    <FormDialog
      title={t('users.resetPassword')}
      action={t('users.resetPassword')}
      onClose={onClose}
      check={() => !form.validate().hasErrors}
      onSubmit={async () => {
        await ok(
          api.PUT('/users/{user_id}/password', {
            params: { path: { user_id: user.user_id } },
            body: { new_password: form.values.password },
          }),
        );
        await done({ done: t('users.resetDone', { name: user.username }) });
      }}
    >
      <Text size="sm">{user.username}</Text>
      <PasswordFields form={form} />
    </FormDialog>
  );
}
