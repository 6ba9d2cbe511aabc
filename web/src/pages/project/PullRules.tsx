/** Which images a project lets be pulled: how many vulnerabilities, and what must be true of them. */
import {
  Alert,
  Button,
  Code,
  Fieldset,
  Group,
  NumberInput,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
} from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import type { Ref } from 'react';
import { useI18n } from '../../i18n';
import { COUNTS, EXAMPLES, HIGHEST, joined, type Limits, VARIABLES } from '../../lib/pullRules';
import { Openable } from '../../ui/Openable';

/** What the language has beside names, in its own words. */
const SIGNS = [
  '! - * / % +',
  '== != < <= > >=',
  'in',
  '&& ||',
  '? :',
  '[0]',
  "['a', 'b']",
  'size',
  'double',
  'startsWith',
  'endsWith',
  'contains',
  "matches('…')",
  'tags.all(t, …)',
  'tags.exists(t, …)',
  'tags.exists_one(t, …)',
  'tags.filter(t, …)',
];
const UNSCANNED = '!scanned || critical == 0';

interface LimitsProps {
  value: Limits;
  onChange: (value: Limits) => void;
  disabled: boolean;
  error?: string;
}

export function LimitFields({ value, onChange, disabled, error }: LimitsProps) {
  const { t, word } = useI18n();
  return (
    <Fieldset legend={t('pullRules.limits')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('pullRules.limitsAbout')}
        </Text>
        <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="sm" style={{ alignItems: 'end' }}>
          {COUNTS.map((name) => (
            <NumberInput
              key={name}
              label={word('pullCounts', name)}
              placeholder={t('common.unlimited')}
              value={value[name] ?? ''}
              min={0}
              max={HIGHEST}
              clampBehavior="strict"
              allowDecimal={false}
              allowNegative={false}
              disabled={disabled}
              onChange={(most) =>
                onChange({ ...value, [name]: typeof most === 'number' ? most : undefined })
              }
            />
          ))}
        </SimpleGrid>
        {error && (
          <Alert color="red" variant="light" role="alert" className="break">
            {error}
          </Alert>
        )}
      </Stack>
    </Fieldset>
  );
}

interface RuleProps {
  value: string;
  onChange: (value: string) => void;
  disabled: boolean;
  error?: string;
  ref: Ref<HTMLTextAreaElement>;
}

export function RuleField({ value, onChange, disabled, error, ref }: RuleProps) {
  const { t } = useI18n();
  return (
    <Stack gap="xs">
      <Textarea
        ref={ref}
        label={t('pullRules.rule')}
        description={t('pullRules.ruleAbout')}
        placeholder={EXAMPLES[0][1]}
        value={value}
        error={error}
        disabled={disabled}
        autosize
        minRows={2}
        maxRows={12}
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        classNames={{ input: 'mono', error: 'break' }}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      {!disabled && <Examples rule={value} onTake={onChange} />}
      <Openable label={t('pullRules.names')}>
        <Names />
      </Openable>
    </Stack>
  );
}

function Examples({ rule, onTake }: { rule: string; onTake: (rule: string) => void }) {
  const { t, word } = useI18n();
  return (
    <Stack gap={6} role="group" aria-label={t('pullRules.examples')}>
      <Text size="sm" c="dimmed">
        {rule.trim() === '' ? t('pullRules.examplesFirst') : t('pullRules.examplesMore')}
      </Text>
      {EXAMPLES.map(([name, example]) => (
        <Group key={name} gap="xs">
          <Button
            size="compact-sm"
            variant="default"
            className="mono"
            onClick={() => onTake(joined(rule, example))}
          >
            {example}
          </Button>
          <Text span size="sm">
            {word('pullExamples', name)}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}

function Names() {
  const { t, word } = useI18n();
  const entries: (readonly [names: readonly string[], type: string, about: string])[] = [
    [COUNTS, 'int', t('pullRules.counts')],
    ...VARIABLES.map(([name, type]) => [[name], type, word('pullNames', name)] as const),
  ];
  return (
    <Stack gap="sm" pt="xs">
      <Stack gap="sm" component="dl" m={0} aria-label={t('pullRules.names')}>
        {entries.map(([names, type, about]) => (
          <div key={names[0]}>
            <Group gap={6} component="dt">
              {names.map((name) => (
                <Code key={name}>{name}</Code>
              ))}
              <Text span fz="xs" ff="monospace" c="dimmed">
                {type}
              </Text>
            </Group>
            <Text size="sm" component="dd" m={0}>
              {about}
            </Text>
          </div>
        ))}
      </Stack>
      <Text size="sm">{t('pullRules.language')}</Text>
      <Group gap={6}>
        {SIGNS.map((sign) => (
          <Code key={sign}>{sign}</Code>
        ))}
      </Group>
      <Alert variant="light" color="gray" icon={<IconInfoCircle aria-hidden />}>
        {t('pullRules.unscanned')} <Code>{UNSCANNED}</Code>
      </Alert>
    </Stack>
  );
}
