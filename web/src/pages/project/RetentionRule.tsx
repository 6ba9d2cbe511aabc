/** The form for one rule of retention. */
import { NativeSelect, NumberInput, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useI18n } from '../../i18n';
import {
  chosenBy,
  EVERYTHING,
  numberOf,
  type Scope,
  scopeOf,
  selectorsOf,
  untaggedOf,
} from '../../lib/rulesets';
import { FormDialog } from '../../ui/Dialogs';
import { ScopeFields } from '../../ui/ScopeFields';
import { Preview } from './Immutability';

type Rule = Schemas['RetentionRule'];

interface Props {
  rule: Rule | null;
  onSave: (rule: Rule) => Promise<void>;
  onClose: () => void;
}

export function RetentionRuleForm({ rule, onSave, onClose }: Props) {
  const { t, word } = useI18n();
  const [scope, setScope] = useState<Scope>(rule ? scopeOf(rule) : EVERYTHING);
  const [template, setTemplate] = useState(rule?.template ?? 'latestPushedK');
  const [number, setNumber] = useState<number | string>(rule ? (numberOf(rule) ?? 10) : 10);
  const [untagged, setUntagged] = useState(rule ? untaggedOf(rule) : true);
  const { data } = useQuery({
    queryKey: ['retention', 'metadata'],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => ok(api.GET('/retentions/metadatas')),
  });
  const offered = data?.templates ?? [];
  const counted = template !== 'always';
  const known = offered.some((one) => one.rule_template === template);
  return (
    <FormDialog
      title={rule ? t('tagRules.edit') : t('tagRules.add')}
      action={t('common.save')}
      size="lg"
      onClose={onClose}
      check={() => chosenBy(scope) !== null && (!counted || Number(number) > 0)}
      onSubmit={() =>
        onSave({
          id: rule?.id ?? 0,
          priority: rule?.priority ?? 0,
          disabled: rule?.disabled ?? false,
          action: 'retain',
          template,
          params: (counted ? { [template]: Number(number) } : {}) as Rule['params'],
          ...selectorsOf(scope, untagged),
        })
      }
    >
      <NativeSelect
        label={t('retention.keep')}
        value={template}
        onChange={(event) => setTemplate(event.currentTarget.value)}
        data={[
          ...offered.map((one) => ({
            value: one.rule_template,
            label: word('templates', one.rule_template),
          })),
          // One of an old policy stays as it is.
          ...(known || !data ? [] : [{ value: template, label: word('templates', template) }]),
        ]}
      />
      {counted && (
        <NumberInput
          label={template.startsWith('nDays') ? t('retention.days') : t('retention.count')}
          min={1}
          max={100_000}
          value={number}
          onChange={setNumber}
        />
      )}
      <ScopeFields scope={scope} onChange={setScope} />
      <Switch
        label={t('retention.untagged')}
        description={t('retention.untaggedAbout')}
        checked={untagged}
        onChange={(event) => setUntagged(event.currentTarget.checked)}
      />
      <Preview scope={scope} />
    </FormDialog>
  );
}
