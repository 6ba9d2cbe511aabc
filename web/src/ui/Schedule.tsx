/** When something runs by itself: to read and to change. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useI18n } from '../i18n';
import { isCron } from '../lib/rules';
import { FormDialog } from './Dialogs';

export const KINDS = ['None', 'Hourly', 'Daily', 'Weekly', 'Custom'] as const;

const PRESETS: Record<string, string> = {
  Hourly: '0 0 * * * *',
  Daily: '0 0 0 * * *',
  Weekly: '0 0 0 * * 0',
};

export function ScheduleText({ kind, cron }: { kind: string; cron: string }) {
  const { word } = useI18n();
  const named = Object.keys(PRESETS).find((name) => PRESETS[name] === cron);
  const shown = kind === 'Custom' ? (named ?? 'Custom') : kind;
  return (
    <span>
      {word('schedule', shown)}
      {shown === 'Custom' && (
        <>
          {': '}
          <code className="mono">{cron}</code>
        </>
      )}
    </span>
  );
}

interface Props {
  kind: string;
  cron: string;
  /** The API of this knows no kinds: every schedule is written as cron. */
  cronOnly?: boolean;
  onSave: (kind: string, cron: string) => Promise<void>;
  onClose: () => void;
  children?: React.ReactNode;
}

export function ScheduleForm(props: Props) {
  const { t, word } = useI18n();
  const named = Object.keys(PRESETS).find((name) => PRESETS[name] === props.cron);
  const [kind, setKind] = useState(props.kind === 'Custom' ? (named ?? 'Custom') : props.kind);
  const [cron, setCron] = useState(props.cron || '0 0 3 * * *');
  const written = kind === 'None' ? '' : (PRESETS[kind] ?? cron.trim());
  const wrong = kind === 'Custom' && !isCron(cron);
  return (
    <FormDialog
      title={t('schedule.change')}
      action={t('common.save')}
      onClose={props.onClose}
      check={() => !wrong}
      onSubmit={() => props.onSave(kind, props.cronOnly || kind === 'Custom' ? written : '')}
    >
      <NativeSelect
        label={t('schedule.runs')}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value)}
        data={KINDS.map((value) => ({ value, label: word('schedule', value) }))}
      />
      {kind === 'Custom' && (
        <TextInput
          label={t('schedule.cron')}
          description={t('rules.cron')}
          value={cron}
          error={wrong ? t('rules.cron') : null}
          onChange={(event) => setCron(event.currentTarget.value)}
        />
      )}
      {props.children}
    </FormDialog>
  );
}
