/** The fields of an account, with the server's rule of passwords told before it refuses. */
import { PasswordInput, TextInput } from '@mantine/core';
import { type UseFormReturnType, useForm } from '@mantine/form';
import { useT } from '../i18n';
import { isPassword } from '../lib/rules';

export interface Account {
  username: string;
  email: string;
  realname: string;
  comment: string;
  password: string;
  repeated: string;
}

export const emptyAccount: Account = {
  username: '',
  email: '',
  realname: '',
  comment: '',
  password: '',
  repeated: '',
};

export function useAccountForm(initialValues: Account): UseFormReturnType<Account> {
  const t = useT();
  return useForm<Account>({
    initialValues,
    validate: {
      username: (value) => (value.trim() === '' ? t('rules.required') : null),
      password: (value) => (isPassword(value) ? null : t('rules.password')),
      repeated: (value, all) => (value === all.password ? null : t('rules.repeated')),
    },
  });
}

export function AccountFields({ form }: { form: UseFormReturnType<Account> }) {
  const t = useT();
  return (
    <>
      <TextInput
        label={t('users.name')}
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('username')}
      />
      <TextInput label={t('users.email')} type="email" {...form.getInputProps('email')} />
      <TextInput label={t('users.realname')} {...form.getInputProps('realname')} />
      <PasswordFields form={form} />
    </>
  );
}

interface Passwords {
  password: string;
  repeated: string;
}

export function PasswordFields<T extends Passwords>({ form }: { form: UseFormReturnType<T> }) {
  const t = useT();
  const toggle = { 'aria-label': t('login.show') };
  return (
    <>
      <PasswordInput
        label={t('users.newPassword')}
        description={t('rules.password')}
        withAsterisk
        autoComplete="new-password"
        visibilityToggleButtonProps={toggle}
        {...form.getInputProps('password')}
      />
      <PasswordInput
        label={t('users.repeated')}
        withAsterisk
        autoComplete="new-password"
        visibilityToggleButtonProps={toggle}
        {...form.getInputProps('repeated')}
      />
    </>
  );
}
