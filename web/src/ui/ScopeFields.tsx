/** Which repositories and tags a rule speaks of, with words for what the patterns mean. */
import { Group, NativeSelect, Text, TextInput } from '@mantine/core';
import { useI18n } from '../i18n';
import { matcher } from '../lib/patterns';
import type { Scope } from '../lib/rulesets';

export function ScopeFields(props: { scope: Scope; onChange: (scope: Scope) => void }) {
  const { t } = useI18n();
  const { scope, onChange } = props;
  const sides = (except: boolean) => ({
    value: except ? 'except' : 'match',
    data: [
      { value: 'match', label: t('tagRules.matching') },
      { value: 'except', label: t('tagRules.except') },
    ],
  });
  const wrong = (pattern: string) => (matcher(pattern) ? null : t('tagRules.unreadable'));
  return (
    <>
      <Group align="flex-start" gap="xs" wrap="nowrap">
        <NativeSelect
          label={t('tagRules.repositories')}
          w={150}
          {...sides(scope.repositoriesExcept)}
          onChange={(event) =>
            onChange({ ...scope, repositoriesExcept: event.currentTarget.value === 'except' })
          }
        />
        <TextInput
          flex={1}
          label={t('tagRules.pattern')}
          aria-label={t('tagRules.repositoriesPattern')}
          value={scope.repositories}
          error={wrong(scope.repositories)}
          onChange={(event) => onChange({ ...scope, repositories: event.currentTarget.value })}
        />
      </Group>
      <Group align="flex-start" gap="xs" wrap="nowrap">
        <NativeSelect
          label={t('tagRules.tags')}
          w={150}
          {...sides(scope.tagsExcept)}
          onChange={(event) =>
            onChange({ ...scope, tagsExcept: event.currentTarget.value === 'except' })
          }
        />
        <TextInput
          flex={1}
          label={t('tagRules.pattern')}
          aria-label={t('tagRules.tagsPattern')}
          value={scope.tags}
          error={wrong(scope.tags)}
          onChange={(event) => onChange({ ...scope, tags: event.currentTarget.value })}
        />
      </Group>
      <Text size="xs" c="dimmed">
        {t('tagRules.help')}
      </Text>
    </>
  );
}

/** The same in words, for lists of rules. */
export function ScopeText({ scope }: { scope: Scope }) {
  const { t } = useI18n();
  const side = (except: boolean) => (except ? t('tagRules.except') : t('tagRules.matching'));
  return (
    <span>
      {t('tagRules.repositories')} {side(scope.repositoriesExcept)}{' '}
      <code className="mono">{scope.repositories}</code>, {t('tagRules.tags')}{' '}
      {side(scope.tagsExcept)} <code className="mono">{scope.tags}</code>
    </span>
  );
}
