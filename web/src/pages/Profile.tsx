/** One's own account: what others see of it, and the password. */
import { Button, Paper, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { api, ok } from '../api/client';
import { refresh, type User } from '../api/session';
import { useT } from '../i18n';
import { useSession } from '../lib/access';
import { useAct } from '../lib/act';
import { isPassword } from '../lib/rules';
import { PasswordFields } from '../ui/AccountFields';
import { Screen, Section } from '../ui/Screen';
import { Line } from '../ui/Small';

export function Profile() {
  const t = useT();
  const { user } = useSession();
  if (!user) return null;
  return (
    <Screen title={t('profile.title')}>
      <Stack gap="xl" maw={640}>
        <Account user={user} />
        <Password user={user} />
        <Section title={t('profile.client')} about={t('profile.clientAbout')}>
          <Line
            text={`docker login ${location.host} --username ${user.username}`}
            label={t('profile.clientCommand')}
          />
        </Section>
      </Stack>
    </Screen>
  );
}

function Account({ user }: { user: User }) {
  const t = useT();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: { email: user.email ?? '', realname: user.realname, comment: user.comment },
  });
  const save = async () => {
    setBusy(true);
    const params = { path: { user_id: user.user_id } };
    await act(
      async () => {
        await ok(api.PUT('/users/{user_id}', { params, body: form.values }));
        await refresh();
      },
      { done: t('common.saved') },
    );
    setBusy(false);
  };
  return (
    <Section title={t('profile.account')} about={t('profile.accountAbout')}>
      <Paper withBorder p="md">
        <form onSubmit={form.onSubmit(save)}>
          <Stack>
            <TextInput label={t('users.name')} value={user.username} readOnly />
            <TextInput label={t('users.email')} type="email" {...form.getInputProps('email')} />
            <TextInput label={t('users.realname')} {...form.getInputProps('realname')} />
            <TextInput label={t('users.comment')} {...form.getInputProps('comment')} />
            <Button type="submit" loading={busy} style={{ alignSelf: 'flex-start' }}>
              {t('common.save')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Section>
  );
}

function Password({ user }: { user: User }) {
  const t = useT();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: { old: '', password: '', repeated: '' },
    validate: {
      old: (value) => (value === '' ? t('rules.required') : null),
      password: (value) => (isPassword(value) ? null : t('rules.password')),
      repeated: (value, all) => (value === all.password ? null : t('rules.repeated')),
    },
  });
  const change = async () => {
    setBusy(true);
    const params = { path: { user_id: user.user_id } };
    const body = { old_password: form.values.old, new_password: form.values.password };
    const changed = await act(() => ok(api.PUT('/users/{user_id}/password', { params, body })), {
      done: t('profile.changed'),
    });
    if (changed) form.reset();
    setBusy(false);
  };
  return (
    <Section title={t('profile.password')} about={t('profile.passwordAbout')}>
      <Paper withBorder p="md">
        <form onSubmit={form.onSubmit(change)}>
          <Stack>
            <PasswordInput
              label={t('users.oldPassword')}
              autoComplete="current-password"
              visibilityToggleButtonProps={{ 'aria-label': t('login.show') }}
              {...form.getInputProps('old')}
            />
            <PasswordFields form={form} />
            <Button type="submit" loading={busy} style={{ alignSelf: 'flex-start' }}>
              {t('profile.change')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Section>
  );
}
