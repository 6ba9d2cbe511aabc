/** The way in: name and password, hints for the first start, an account of one's own where allowed. */
import {
  Alert,
  Anchor,
  Button,
  Center,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { IconInfoCircle } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useSystemInfo } from '../api/queries';
import { logIn } from '../api/session';
import { useT } from '../i18n';
import { bannerOf } from '../lib/banner';
import { LanguageMenu, ThemeSwitch } from '../shell/HeadMenu';
import { Logo } from '../shell/Logo';
import { Failure } from '../ui/Notices';
import { Register } from './Register';

export function Login() {
  const t = useT();
  useDocumentTitle(`${t('login.submit')} · Berth`);
  const { from } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { data: info } = useSystemInfo();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [registers, setRegisters] = useState(false);
  const banner = bannerOf(info?.banner_message ?? '');

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await logIn(name, password);
      queries.clear();
      await navigate({ to: from ?? '/projects' });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <Center component="main" mih="100vh" p="md">
      <Stack w="100%" maw={400} gap="md">
        <Group justify="space-between">
          <Group gap="sm">
            <Logo size={36} />
            <Title order={1} size="h3">
              Berth
            </Title>
          </Group>
          <Group gap={4}>
            <LanguageMenu />
            <ThemeSwitch />
          </Group>
        </Group>
        {banner && (
          <Alert color={banner.color} icon={<IconInfoCircle aria-hidden />}>
            {banner.text}
          </Alert>
        )}
        <Paper withBorder p="lg">
          <form onSubmit={submit}>
            <Stack gap="md">
              <TextInput
                label={t('login.name')}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                required
                autoFocus
              />
              <PasswordInput
                label={t('login.password')}
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
                autoComplete="current-password"
                visibilityToggleButtonProps={{ 'aria-label': t('login.show') }}
                required
              />
              {error !== null && <Failure error={error} />}
              <Button type="submit" loading={busy} fullWidth>
                {t('login.submit')}
              </Button>
            </Stack>
          </form>
        </Paper>
        <Text size="sm" c="dimmed">
          {t('login.first')}
        </Text>
        <Group justify="space-between">
          <Anchor component={Link} to="/projects" size="sm" inherit={false}>
            {t('login.browse')}
          </Anchor>
          {info?.self_registration && (
            <Button variant="subtle" size="xs" onClick={() => setRegisters(true)}>
              {t('login.register')}
            </Button>
          )}
        </Group>
      </Stack>
      {registers && <Register onClose={() => setRegisters(false)} onDone={setName} />}
    </Center>
  );
}
