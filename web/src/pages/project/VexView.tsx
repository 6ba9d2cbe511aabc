/** What an OpenVEX document says, statement by statement. */
import { Badge, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useI18n } from '../../i18n';
import { saveText } from '../../lib/save';
import { type Statement, saying, statementsOf } from '../../lib/vex';
import { type Column, DataTable } from '../../ui/DataTable';
import { Facts } from '../../ui/Facts';
import { Empty } from '../../ui/Notices';
import { Moment, Search } from '../../ui/Small';

/** Statements that are shown at once: a document may hold thousands. */
const SHOWN = 100;

interface Props {
  project: string;
  about: Schemas['VexDocument'];
  onClose: () => void;
}

const COLORS: Record<string, string> = { not_affected: 'green', fixed: 'green', affected: 'red' };

export function VexView({ project, about, onClose }: Props) {
  const { t, word } = useI18n();
  const [find, setFind] = useState('');
  const found = useQuery({
    queryKey: ['vex', project, about.id, about.update_time],
    queryFn: () => {
      const path = { project_name_or_id: project, vex_id: about.id };
      return ok(api.GET('/projects/{project_name_or_id}/vex/{vex_id}', { params: { path } }));
    },
  });
  const all = useMemo(
    () => statementsOf(found.data).map((one, index) => ({ ...one, number: index + 1 })),
    [found.data],
  );
  const wanted = saying(all, find) as typeof all;
  const save = () => {
    const name = about.name.replaceAll(/[^\w.-]+/g, '-').replaceAll(/^-+|-+$/g, '');
    saveText(JSON.stringify(found.data, null, 2), `${name}.json`, 'application/json');
  };
  const columns: Column<Statement & { number: number }>[] = [
    {
      id: 'vulnerability',
      label: t('vulnerabilities.id'),
      primary: true,
      cell: (row) => (
        <>
          <span className="break">{row.vulnerability || t('common.none')}</span>
          {row.aliases.length > 0 && (
            <Text size="xs" c="dimmed" fw={400} className="break">
              {row.aliases.join(', ')}
            </Text>
          )}
        </>
      ),
    },
    {
      id: 'status',
      label: t('vex.status'),
      cell: (row) => (
        <Badge variant="light" color={COLORS[row.status] ?? 'gray'} tt="none">
          {row.status ? word('vexStates', row.status) : t('vex.statusUnknown')}
        </Badge>
      ),
    },
    {
      id: 'products',
      label: t('vex.products'),
      cell: (row) => (
        <Stack gap={2}>
          {row.products.map((product) => (
            <span key={product} className="mono break">
              {product}
            </span>
          ))}
        </Stack>
      ),
    },
    {
      id: 'why',
      label: t('vex.why'),
      cell: (row) => <span className="break">{word('vexReasons', row.why)}</span>,
    },
  ];
  return (
    <Modal
      opened
      onClose={onClose}
      title={<span className="break">{about.name}</span>}
      size="xl"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack>
        <Group justify="space-between" gap="sm">
          <Facts
            facts={[
              [t('vex.author'), about.author || t('common.none')],
              [t('vex.sentBy'), about.sent_by],
              [t('common.updated'), <Moment key="updated" time={about.update_time} />],
            ]}
          />
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            disabled={!found.data}
            onClick={save}
          >
            {t('vex.save')}
          </Button>
        </Group>
        <DataTable
          label={t('vex.statements')}
          list={{
            ...found,
            data: found.data && { items: wanted.slice(0, SHOWN), total: wanted.length },
          }}
          columns={columns}
          keyOf={(row) => row.number}
          toolbar={<Search label={t('vex.find')} value={find} onChange={setFind} />}
          empty={<Empty title={t('table.nothing')} next={t('table.nothingNext')} />}
        />
        {wanted.length > SHOWN && (
          <Text size="sm" c="dimmed">
            {t('vex.more', { shown: SHOWN, count: wanted.length })}
          </Text>
        )}
      </Stack>
    </Modal>
  );
}
