/** Vulnerabilities that every project lets pass, unless it has a list of its own. */
import { Button, Group, Paper, Stack, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useT } from '../../i18n';
import { useAct } from '../../lib/act';
import { dayOf, endOf } from '../../lib/days';
import { entriesOf } from '../../lib/scans';
import { Failure, Waiting } from '../../ui/Notices';
import { Section } from '../../ui/Screen';

type List = Schemas['CVEAllowlist'];

export function Allowlist() {
  const t = useT();
  const found = useQuery({
    queryKey: ['allowlist'],
    queryFn: () => ok(api.GET('/system/CVEAllowlist')),
  });
  return (
    <Section title={t('settings.allowlist')} about={t('projectSettings.allowlistAbout')}>
      {found.error && !found.data && <Failure error={found.error} retry={() => found.refetch()} />}
      {!found.error && !found.data && <Waiting />}
      {found.data && <Form key={found.data.update_time} list={found.data} />}
    </Section>
  );
}

function Form({ list }: { list: List }) {
  const t = useT();
  const act = useAct();
  const [items, setItems] = useState(list.items.map((item) => item.cve_id));
  const [until, setUntil] = useState(dayOf(list.expires_at));
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    const body = { expires_at: endOf(until), items: entriesOf(items) };
    await act(() => ok(api.PUT('/system/CVEAllowlist', { body })), {
      done: t('common.saved'),
      stale: [['allowlist']],
    });
    setBusy(false);
  };
  return (
    <Paper withBorder p="md">
      <Stack>
        <TagsInput
          label={t('projectSettings.cves')}
          description={t('projectSettings.cvesAbout')}
          value={items}
          onChange={setItems}
          splitChars={[',', ' ', ';']}
        />
        <TextInput
          type="date"
          maw={320}
          label={t('settings.until')}
          description={t('settings.untilAbout')}
          value={until}
          onChange={(event) => setUntil(event.currentTarget.value)}
        />
        <Group>
          <Button onClick={save} loading={busy}>
            {t('common.save')}
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
