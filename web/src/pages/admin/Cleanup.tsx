/** Upkeep of the store and of the access log: what runs, when, and what came of it. */
import { Tabs } from '@mantine/core';
import { type PlainKey, useT } from '../../i18n';
import { useListState } from '../../lib/list';
import { Screen } from '../../ui/Screen';
import { Upkeep } from './Upkeep';
import { UPKEEP, type UpkeepId } from './upkeeps';

const LABELS: Record<UpkeepId, Extract<PlainKey, `cleanup.${string}`>> = {
  gc: 'cleanup.gc',
  purge: 'cleanup.purge',
  scrub: 'cleanup.scrub',
  repair: 'cleanup.repair',
};

export function Cleanup() {
  const t = useT();
  const state = useListState();
  const found = UPKEEP.find((one) => one.id === state.filters.kind) ?? UPKEEP[0];
  if (!found) return null;
  return (
    <Screen title={t('cleanup.title')} about={t('cleanup.about')}>
      <Tabs
        value={found.id}
        keepMounted={false}
        onChange={(kind) => state.setFilters({ kind: kind === 'gc' ? undefined : (kind ?? '') })}
      >
        <Tabs.List aria-label={t('cleanup.title')}>
          {UPKEEP.map(({ id }) => (
            <Tabs.Tab key={id} value={id}>
              {t(LABELS[id])}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={found.id} pt="md">
          <Upkeep key={found.id} upkeep={found} />
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}
