/** Dialogs: a question before what cannot be undone, and forms. */
import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from 'react';
import { useT } from '../i18n';
import { Failure } from './Notices';

interface Question {
  title: string;
  body: ReactNode;
  action: string;
  danger?: boolean;
  /** What must be typed first, for what takes much with it. */
  typed?: string;
}

interface Open extends Question {
  answer: (yes: boolean) => void;
}

let open: Open | null = null;
const listeners = new Set<() => void>();

function show(next: Open | null) {
  open = next;
  for (const listener of listeners) listener();
}

/** Asks; true if the action was chosen. */
export function ask(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    show({
      ...question,
      answer: (yes) => {
        show(null);
        resolve(yes);
      },
    });
  });
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Where questions appear; once in the page. */
export function Questions() {
  const asked = useSyncExternalStore(subscribe, () => open);
  if (!asked) return null;
  return <Asked key={asked.title} asked={asked} />;
}

function Asked({ asked }: { asked: Open }) {
  const t = useT();
  const [typed, setTyped] = useState('');
  const ready = !asked.typed || typed === asked.typed;
  return (
    <Modal
      opened
      onClose={() => asked.answer(false)}
      title={asked.title}
      centered
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) asked.answer(true);
        }}
      >
        <Stack gap="md">
          <Text size="sm" component="div" className="break">
            {asked.body}
          </Text>
          {asked.typed && (
            <TextInput
              label={t('common.typeToConfirm', { name: asked.typed })}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => asked.answer(false)}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" color={asked.danger ? 'red' : undefined} disabled={!ready}>
              {asked.action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface FormProps {
  title: string;
  action: string;
  onClose: () => void;
  /** Does it; the dialog closes unless it throws. */
  onSubmit: () => Promise<unknown>;
  /** Whether the form may be sent, as its fields are. */
  check?: () => boolean;
  size?: string;
  children: ReactNode;
}

/** A form in a dialog. A failure is shown in it, and nothing that was typed is lost. */
export function FormDialog(props: FormProps) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (props.check && !props.check()) return;
    setBusy(true);
    setError(null);
    try {
      await props.onSubmit();
      props.onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      size={props.size ?? 'md'}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {props.children}
          {error !== null && <Failure error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={props.onClose}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={busy}>
              {props.action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Something to read or copy once, such as a secret. */
export function Notice(props: { title: string; onClose: () => void; children: ReactNode }) {
  const t = useT();
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      closeOnClickOutside={false}
      size="lg"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack gap="md">
        <Alert variant="light" color="harbour">
          {props.children}
        </Alert>
        <Group justify="flex-end">
          <Button onClick={props.onClose}>{t('common.done')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
