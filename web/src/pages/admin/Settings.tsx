/** Settings that change while the server runs. What the configuration file holds fast is shown so. */
import {
  Badge,
  Button,
  Group,
  NativeSelect,
  NumberInput,
  Paper,
  Stack,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { type PlainKey, useI18n } from '../../i18n';
import { useAct } from '../../lib/act';
import { Failure, Waiting } from '../../ui/Notices';
import { Screen, Section } from '../../ui/Screen';
import { Allowlist } from './Allowlist';

type All = Schemas['ConfigurationsResponse'];
type Name = keyof All;
type Value = string | number | boolean;

type Field = { name: Name } & (
  | { kind: 'switch' }
  | { kind: 'number'; min?: number; gib?: boolean }
  | { kind: 'text' }
  | { kind: 'lines' }
  | { kind: 'choice'; values: string[] }
);

const GIB = 1024 ** 3;

const GROUPS: { title: Extract<PlainKey, `settings.${string}`>; fields: Field[] }[] = [
  {
    title: 'settings.system',
    fields: [
      { name: 'read_only', kind: 'switch' },
      { name: 'banner_message', kind: 'lines' },
      { name: 'notification_enable', kind: 'switch' },
    ],
  },
  {
    title: 'settings.projects',
    fields: [
      {
        name: 'project_creation_restriction',
        kind: 'choice',
        values: ['everyone', 'adminonly'],
      },
      { name: 'quota_per_project_enable', kind: 'switch' },
      { name: 'storage_per_project', kind: 'number', gib: true },
      { name: 'undelete_days', kind: 'number', min: 0 },
    ],
  },
  {
    title: 'settings.accounts',
    fields: [
      { name: 'self_registration', kind: 'switch' },
      { name: 'session_timeout', kind: 'number', min: 1 },
      { name: 'token_expiration', kind: 'number', min: 1 },
      { name: 'robot_token_duration', kind: 'number', min: 1 },
      { name: 'robot_name_prefix', kind: 'text' },
    ],
  },
  {
    title: 'settings.log',
    fields: [
      { name: 'audit_log_forward_endpoint', kind: 'text' },
      { name: 'skip_audit_log_database', kind: 'switch' },
      { name: 'pull_audit_log_disable', kind: 'switch' },
      { name: 'disabled_audit_log_event_types', kind: 'text' },
      { name: 'pull_time_update_disable', kind: 'switch' },
      { name: 'pull_count_update_disable', kind: 'switch' },
    ],
  },
];

export function SystemSettings() {
  const { t } = useI18n();
  const found = useQuery({
    queryKey: ['configurations'],
    queryFn: () => ok(api.GET('/configurations')),
  });
  return (
    <Screen title={t('settings.title')} about={t('settings.about')}>
      {found.error && !found.data && <Failure error={found.error} retry={() => found.refetch()} />}
      {!found.error && !found.data && <Waiting />}
      {found.data && (
        <Stack gap="xl" maw={720}>
          <Form all={found.data} />
          <Allowlist />
        </Stack>
      )}
    </Screen>
  );
}

function Form({ all }: { all: All }) {
  const { t } = useI18n();
  const act = useAct();
  const [changed, setChanged] = useState<Partial<Record<Name, Value>>>({});
  const [busy, setBusy] = useState(false);
  const count = Object.keys(changed).length;
  const save = async () => {
    setBusy(true);
    const done = await act(
      () => ok(api.PUT('/configurations', { body: changed as Schemas['Configurations'] })),
      { done: t('common.saved'), stale: [['configurations'], ['systeminfo']] },
    );
    if (done) setChanged({});
    setBusy(false);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Stack gap="xl">
        {GROUPS.map(({ title, fields }) => (
          <Section key={title} title={t(title)}>
            <Paper withBorder p="md">
              <Stack>
                {fields.map((field) => (
                  <Setting
                    key={field.name}
                    field={field}
                    found={all[field.name] as { value?: Value; editable?: boolean } | undefined}
                    changed={changed[field.name]}
                    onChange={(value) => setChanged({ ...changed, [field.name]: value })}
                  />
                ))}
              </Stack>
            </Paper>
          </Section>
        ))}
        <Group>
          <Button type="submit" disabled={count === 0} loading={busy}>
            {t('common.save')}
          </Button>
          {count > 0 && (
            <Button variant="default" onClick={() => setChanged({})}>
              {t('settings.back')}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

interface SettingProps {
  field: Field;
  found: { value?: Value; editable?: boolean } | undefined;
  changed: Value | undefined;
  onChange: (value: Value) => void;
}

function Setting({ field, found, changed, onChange }: SettingProps) {
  const { t, word } = useI18n();
  if (!found) return null;
  const value = changed ?? found.value ?? '';
  const fixed = found.editable === false;
  const about = word('settingNames', `${field.name}_about`);
  const label: ReactNode = (
    <>
      {word('settingNames', field.name)}{' '}
      {fixed && (
        <Badge size="sm" variant="default" tt="none">
          {t('settings.fixed')}
        </Badge>
      )}
    </>
  );
  const shared = {
    label,
    description: about === `${field.name}_about` ? undefined : about,
    disabled: fixed,
  };
  switch (field.kind) {
    case 'switch':
      return (
        <Switch
          {...shared}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case 'number': {
      const shown = field.gib && Number(value) > 0 ? Number(value) / GIB : Number(value);
      return (
        <NumberInput
          {...shared}
          maw={320}
          min={field.min}
          decimalScale={field.gib ? 3 : 0}
          value={shown}
          onChange={(next) => {
            const number = Number(next);
            onChange(field.gib && number > 0 ? Math.round(number * GIB) : number);
          }}
        />
      );
    }
    case 'choice':
      return (
        <NativeSelect
          {...shared}
          maw={320}
          value={String(value)}
          data={field.values.map((one) => ({ value: one, label: word('settingNames', one) }))}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'lines':
      return (
        <Textarea
          {...shared}
          autosize
          minRows={2}
          value={String(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    default:
      return (
        <TextInput
          {...shared}
          value={String(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}
