/** How the number of vulnerabilities has gone, day by day. */
import { NativeSelect, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { kept } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useFormat } from '../../lib/format';
import { SEVERITIES } from '../../lib/scans';
import { Bars } from '../../ui/Bars';
import { Section } from '../../ui/Screen';

type Day = Schemas['SecurityDay'];

const SPANS = [30, 90, 365];

/** What each choice counts of a day. */
const COUNTS: Record<string, (day: Day) => number> = {
  Critical: (day) => day.critical_cnt,
  High: (day) => day.high_cnt,
  Medium: (day) => day.medium_cnt,
  Low: (day) => day.low_cnt,
  fixable: (day) => day.fixable_cnt,
};

export function SecurityTrend() {
  const { t, word } = useI18n();
  const format = useFormat();
  const [shown, setShown] = useState('Critical');
  const [days, setDays] = useState(30);
  const { data } = useQuery({
    queryKey: ['security', 'trend', days],
    ...kept,
    queryFn: () => ok(api.GET('/security/trend', { params: { query: { days } } })),
  });
  if (!data) return null;
  const count = COUNTS[shown] ?? (() => 0);
  const label = shown === 'fixable' ? t('security.fixable') : word('severities', shown);
  const bars = data.map((day) => ({
    key: day.day,
    name: format.day(day.day),
    value: count(day),
    text: format.number(count(day)),
  }));
  const choices = [
    ...SEVERITIES.filter((severity) => severity in COUNTS).map((severity) => ({
      value: severity,
      label: word('severities', severity),
    })),
    { value: 'fixable', label: t('security.fixable') },
  ];
  const choose = (
    <>
      <NativeSelect
        aria-label={t('security.trendShown')}
        data={choices}
        value={shown}
        onChange={(event) => setShown(event.currentTarget.value)}
      />
      <NativeSelect
        aria-label={t('security.trend', { count: days })}
        data={SPANS.map((span) => ({
          value: String(span),
          label: t('security.trend', { count: span }),
        }))}
        value={String(days)}
        onChange={(event) => setDays(Number(event.currentTarget.value))}
      />
    </>
  );
  return (
    <Section title={t('security.overTime')} actions={choose}>
      <Bars label={label} bars={bars} />
      {data.length < 2 && (
        <Text size="sm" c="dimmed">
          {t('security.trendBegins')}
        </Text>
      )}
    </Section>
  );
}
