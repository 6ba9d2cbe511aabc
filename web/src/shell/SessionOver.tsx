/** The login over a page whose session ended: the page stays, and goes on afterwards. */
import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { logIn, logOut } from '../api/session';
import { useT } from '../i18n';
import { useSession } from '../lib/access';
import { Failure } from '../ui/Notices';

export function SessionOver() {
  const { user, expired } = useSession();
  if (!user || !expired) return null;
  return <Again name={user.username} />;
}

function Again({ name }: { name: string }) {
  const t = useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    await logOut();
    queries.clear();
    await navigate({ to: '/login' });
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await logIn(name, password);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t('login.over')}
      zIndex={1000}
    >
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t('login.overNext', { name })}</Text>
          <PasswordInput
            label={t('login.password')}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            visibilityToggleButtonProps={{ 'aria-label': t('login.show') }}
            data-autofocus
            required
          />
          {error !== null && <Failure error={error} />}
          <Group justify="space-between">
            <Button variant="default" onClick={leave}>
              {t('login.leave')}
            </Button>
            <Button type="submit" loading={busy}>
              {t('login.goOn')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
