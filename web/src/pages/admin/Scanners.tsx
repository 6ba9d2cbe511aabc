/** Scanners: the built-in one and external ones. */
import { ActionIcon, Badge, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../../api/client';
import { kept } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useAct } from '../../lib/act';
import { useListState } from '../../lib/list';
import { type Column, DataTable } from '../../ui/DataTable';
import { ask } from '../../ui/Dialogs';
import { Empty } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';
import { Status } from '../../ui/Small';
import { ScannerAbout } from './ScannerAbout';
import { ScannerForm } from './ScannerForm';

export type Scanner = Schemas['ScannerRegistration'];

const ONE = '/scanners/{registration_id}';

export function Scanners() {
  const { t, word } = useI18n();
  const act = useAct();
  const state = useListState();
  const [editing, setEditing] = useState<Scanner | 'new' | null>(null);
  const [shown, setShown] = useState<Scanner | null>(null);
  const list = useQuery({
    queryKey: ['scanners', state.page, state.size],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/scanners', { params: { query: { page: state.page, page_size: state.size } } }),
      ),
  });
  const stale = [['scanners'], ['project-scanner']];
  const params = (row: Scanner) => ({ path: { registration_id: row.uuid } });
  const remove = async (row: Scanner) => {
    const sure = await ask({
      title: t('scanners.deleteTitle'),
      body: t('scanners.deleteAsk', { name: row.name }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    await act(() => ok(api.DELETE(ONE, { params: params(row) })), {
      done: t('common.deleted', { name: row.name }),
      stale,
    });
  };
  const prefer = (row: Scanner) =>
    act(() => ok(api.PATCH(ONE, { params: params(row), body: { is_default: true } })), {
      done: t('scanners.madeDefault', { name: row.name }),
      stale,
    });
  const turn = (row: Scanner) => {
    const { name, description, url, auth, skip_certVerify, use_internal_addr } = row;
    const body = {
      name,
      description,
      url,
      auth,
      skip_certVerify,
      use_internal_addr,
      disabled: !row.disabled,
    };
    return act(() => ok(api.PUT(ONE, { params: params(row), body })), {
      done: t('common.saved'),
      stale,
    });
  };
  const columns: Column<Scanner>[] = [
    {
      id: 'name',
      label: t('common.name'),
      primary: true,
      cell: (row) => (
        <Stack gap={2}>
          <Group gap={6}>
            <span className="break">{row.name}</span>
            {row.is_default && (
              <Badge variant="light" tt="none">
                {t('scanners.default')}
              </Badge>
            )}
            {row.disabled && (
              <Badge variant="default" tt="none">
                {t('scanners.disabled')}
              </Badge>
            )}
          </Group>
          {(row.url === '' || row.description) && (
            <Text size="sm" c="dimmed" fw={400} className="break">
              {row.url === '' ? t('scanners.builtInAbout') : row.description}
            </Text>
          )}
        </Stack>
      ),
    },
    {
      id: 'url',
      label: t('scanners.url'),
      cell: (row) =>
        row.url === '' ? t('scanners.builtIn') : <span className="mono break">{row.url}</span>,
    },
    {
      id: 'auth',
      label: t('scanners.auth'),
      cell: (row) => word('scannerLogins', row.auth || 'none'),
    },
    {
      id: 'version',
      label: t('scanners.version'),
      cell: (row) => [row.adapter, row.version].filter(Boolean).join(' '),
    },
    {
      id: 'health',
      label: t('scanners.health'),
      cell: (row) => row.health && <Status status={row.health} />,
    },
    {
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
            <Menu.Item onClick={() => setShown(row)}>{t('scanners.metadata')}</Menu.Item>
            {!row.is_default && !row.disabled && (
              <Menu.Item onClick={() => prefer(row)}>{t('scanners.setDefault')}</Menu.Item>
            )}
            {row.url !== '' && (
              <>
                <Menu.Item onClick={() => setEditing(row)}>{t('common.edit')}</Menu.Item>
                {!row.is_default && (
                  <>
                    <Menu.Item onClick={() => turn(row)}>
                      {row.disabled ? t('scanners.enable') : t('scanners.disable')}
                    </Menu.Item>
                    <Menu.Item color="red" onClick={() => remove(row)}>
                      {t('common.delete')}
                    </Menu.Item>
                  </>
                )}
              </>
            )}
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ];
  return (
    <Screen
      title={t('scanners.title')}
      about={t('scanners.about')}
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
          {t('scanners.create')}
        </Button>
      }
    >
      <DataTable
        label={t('scanners.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.uuid}
        empty={<Empty title={t('scanners.none')} />}
      />
      {editing && (
        <ScannerForm
          scanner={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
        />
      )}
      {shown && <ScannerAbout scanner={shown} onClose={() => setShown(null)} />}
    </Screen>
  );
}
