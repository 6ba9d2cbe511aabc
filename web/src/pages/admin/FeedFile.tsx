/** Sends a file as the content of a feed. */
import { Checkbox, FileInput, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, ok } from '../../api/client';
import { useI18n } from '../../i18n';
import { useDone } from '../../lib/act';
import { FormDialog } from '../../ui/Dialogs';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** `Debian.zip` is the feed `Debian`. */
export function stem(file: string) {
  return file.replace(/\.(zip|json|csv)?(\.(gz|zst))?$/i, '').replace(/[^A-Za-z0-9._-]+/g, '-');
}

export function FeedFile({ name: given, onClose }: { name: string; onClose: () => void }) {
  const { t } = useI18n();
  const done = useDone();
  const [name, setName] = useState(given);
  const [file, setFile] = useState<File | null>(null);
  const [binary, setBinary] = useState(false);
  const wrong = name !== '' && !NAME.test(name);
  return (
    <FormDialog
      title={given ? t('advisories.sendTo', { name: given }) : t('advisories.send')}
      action={t('advisories.import')}
      onClose={onClose}
      check={() => NAME.test(name) && file !== null}
      onSubmit={async () => {
        const change = await ok(
          api.PUT('/advisories/feeds/{feed_name}/content', {
            params: { path: { feed_name: name }, query: { binary_names: binary } },
            // Bytes as they are: the document calls them a string.
            body: file as unknown as string,
            bodySerializer: (body: unknown) => body as BodyInit,
            headers: { 'content-type': 'application/octet-stream' },
          }),
        );
        const { advisories, changed, images } = change;
        await done({
          done: t('advisories.taken', { advisories, changed, images }),
          stale: [['advisories']],
        });
      }}
    >
      <Text size="sm">{t('advisories.sendAbout')}</Text>
      <FileInput
        label={t('advisories.file')}
        withAsterisk
        value={file}
        onChange={(chosen) => {
          setFile(chosen);
          if (chosen && name === '') setName(stem(chosen.name));
        }}
      />
      {!given && (
        <TextInput
          label={t('advisories.name')}
          withAsterisk
          value={name}
          error={wrong ? t('advisories.nameRule') : null}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      )}
      <Checkbox
        label={t('advisories.binary')}
        description={t('advisories.binaryAbout')}
        checked={binary}
        onChange={(event) => setBinary(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}
