/** What a page says when there is nothing, or when something went wrong. */
import { Alert, Button, Center, Loader, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconInbox } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { asFailure, type Reason } from '../api/errors';
import { useI18n } from '../i18n';

/** The language in which the server says what went wrong. */
const SERVERS = 'en';

/** What exactly is wrong, in the language of the page; null where only the server has words. */
export function useReason() {
  const { t, phrase } = useI18n();
  return (reason: Reason | null): string | null => {
    if (!reason) return null;
    const { line, column, ...values } = reason.values;
    if (values.found === '') values.found = t('reasons.end');
    const what = phrase('reasons', reason.name, values);
    return what && line && column ? t('reasons.at', { line, column, what }) : what;
  };
}

/**
 * What happened, and what to do about it: by the error's code, then by its status. `said` is what
 * the server said, where the page has no words of its own for it.
 */
export function useExplain() {
  const { t, word, language } = useI18n();
  const reasonOf = useReason();
  return (error: unknown) => {
    const failure = asFailure(error);
    const reason = reasonOf(failure.reason);
    const title = [failure.code, `status_${failure.status}`].find(
      (key) => word('failureTitles', key) !== key,
    );
    const own = title ? word('failureTitles', title) : t('common.failed');
    const foreign = language !== SERVERS && failure.message !== '';
    const byCode = word('failures', failure.code);
    const byStatus = word('failures', `status_${failure.status}`);
    const advice =
      byCode !== failure.code
        ? byCode
        : byStatus !== `status_${failure.status}`
          ? byStatus
          : t('failures.other');
    return {
      what: reason ?? (foreign ? own : failure.message || own),
      advice,
      failure,
      said: !reason && foreign ? failure.message : null,
    };
  };
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useI18n();
  const { what, advice, failure, said } = useExplain()(error);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={what}
      role="alert"
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{advice}</Text>
        {said && (
          <Text size="sm" className="break" lang={SERVERS}>
            {said}
          </Text>
        )}
        {failure.requestId && (
          <Text size="xs" className="mono break">
            {t('common.requestId', { id: failure.requestId })}
          </Text>
        )}
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            {t('common.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Something to know before what is shown is believed. */
export function Warning({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />} title={title}>
      {children}
    </Alert>
  );
}

/** Says why a list is empty and what the next step is. */
export function Empty(props: { title: string; next?: ReactNode; action?: ReactNode }) {
  return (
    <Center p="xl">
      <Stack align="center" gap="xs" maw={520}>
        <IconInbox size={36} stroke={1.3} aria-hidden />
        <Title order={2} size="h5" ta="center">
          {props.title}
        </Title>
        {props.next && (
          <Text c="dimmed" size="sm" ta="center" component="div">
            {props.next}
          </Text>
        )}
        {props.action}
      </Stack>
    </Center>
  );
}

export function Waiting() {
  const { t } = useI18n();
  return (
    <Center p="xl">
      <Loader size="sm" aria-label={t('common.loading')} role="status" />
    </Center>
  );
}
