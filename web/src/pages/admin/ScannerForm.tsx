/** Registers an external scanner, or changes one. */
import {
  Button,
  Checkbox,
  Group,
  NativeSelect,
  PasswordInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import { api, ok } from '../../api/client';
import { useI18n } from '../../i18n';
import { useDone } from '../../lib/act';
import { FormDialog } from '../../ui/Dialogs';
import { Failure } from '../../ui/Notices';
import type { Scanner } from './Scanners';

const LOGINS = ['', 'Basic', 'Bearer', 'X-ScannerAdapter-API-Key'];
const ADDRESS = /^https?:\/\/[^\s/]+/;

export function ScannerForm({
  scanner,
  onClose,
}: {
  scanner: Scanner | null;
  onClose: () => void;
}) {
  const { t, word } = useI18n();
  const done = useDone();
  const [name, setName] = useState(scanner?.name ?? '');
  const [description, setDescription] = useState(scanner?.description ?? '');
  const [url, setUrl] = useState(scanner?.url ?? '');
  const [auth, setAuth] = useState(scanner?.auth ?? '');
  const [user, setUser] = useState('');
  const [secret, setSecret] = useState('');
  const [skip, setSkip] = useState(scanner?.skip_certVerify ?? false);
  const [internal, setInternal] = useState(scanner?.use_internal_addr ?? false);
  const [tested, setTested] = useState<{ error: unknown } | 'busy' | 'works' | null>(null);
  const wrong = url !== '' && !ADDRESS.test(url);
  const credential = auth === 'Basic' && secret !== '' ? `${user}:${secret}` : secret;
  // What is not typed anew stays as it was.
  const access_credential = auth !== '' && secret !== '' ? credential : undefined;
  const settings = { name: name.trim(), url: url.trim(), auth, access_credential };
  const test = async () => {
    setTested('busy');
    try {
      await ok(api.POST('/scanners/ping', { body: settings }));
      setTested('works');
    } catch (error) {
      setTested({ error });
    }
  };
  const secretLabel =
    auth === 'Basic'
      ? t('scanners.password')
      : auth === 'Bearer'
        ? t('scanners.token')
        : t('scanners.key');
  const hint = scanner?.auth ? t('scanners.kept') : undefined;
  return (
    <FormDialog
      title={scanner ? t('scanners.edit') : t('scanners.create')}
      action={t('common.save')}
      onClose={onClose}
      check={() => name.trim() !== '' && ADDRESS.test(url)}
      onSubmit={async () => {
        const body = {
          ...settings,
          description,
          skip_certVerify: skip,
          use_internal_addr: internal,
          disabled: scanner?.disabled ?? false,
        };
        const path = { registration_id: scanner?.uuid ?? '' };
        await ok(
          scanner
            ? api.PUT('/scanners/{registration_id}', { params: { path }, body })
            : api.POST('/scanners', { body }),
        );
        await done({ done: t('common.saved'), stale: [['scanners'], ['project-scanner']] });
      }}
    >
      <TextInput
        label={t('common.name')}
        withAsterisk
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Textarea
        label={t('common.description')}
        autosize
        minRows={1}
        maxRows={4}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      <TextInput
        type="url"
        label={t('scanners.url')}
        description={t('scanners.urlAbout')}
        withAsterisk
        value={url}
        error={wrong ? t('scanners.urlRule') : null}
        onChange={(event) => setUrl(event.currentTarget.value)}
      />
      <NativeSelect
        label={t('scanners.auth')}
        value={auth}
        onChange={(event) => setAuth(event.currentTarget.value)}
        data={LOGINS.map((value) => ({ value, label: word('scannerLogins', value || 'none') }))}
      />
      {auth === 'Basic' && (
        <TextInput
          label={t('scanners.user')}
          autoComplete="off"
          value={user}
          onChange={(event) => setUser(event.currentTarget.value)}
        />
      )}
      {auth !== '' && (
        <PasswordInput
          label={secretLabel}
          description={hint}
          autoComplete="new-password"
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
      )}
      <Checkbox
        label={t('scanners.skip')}
        checked={skip}
        onChange={(event) => setSkip(event.currentTarget.checked)}
      />
      <Checkbox
        label={t('scanners.internal')}
        checked={internal}
        onChange={(event) => setInternal(event.currentTarget.checked)}
      />
      <Group gap="sm">
        <Button
          variant="default"
          loading={tested === 'busy'}
          disabled={name.trim() === '' || !ADDRESS.test(url)}
          onClick={test}
        >
          {t('scanners.test')}
        </Button>
        <Text size="sm" role="status">
          {tested === 'works' && t('scanners.works')}
        </Text>
      </Group>
      {tested !== null && typeof tested === 'object' && <Failure error={tested.error} />}
    </FormDialog>
  );
}
