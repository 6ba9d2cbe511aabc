/** Makes a feed of advisories, or changes where one comes from. */
import { Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useI18n } from '../../i18n';
import { useDone } from '../../lib/act';
import { isCron } from '../../lib/rules';
import { FormDialog } from '../../ui/Dialogs';
import { KINDS } from '../../ui/Schedule';

type Feed = Schemas['AdvisoryFeed'];

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const ADDRESS = /^(https?:\/\/|oci(\+http)?:\/\/|registry:)[^\s/]\S*$/;

export function FeedForm({ feed, onClose }: { feed: Feed | null; onClose: () => void }) {
  const { t, word } = useI18n();
  const done = useDone();
  const [name, setName] = useState(feed?.name ?? '');
  const [url, setUrl] = useState(feed?.url ?? '');
  const [kind, setKind] = useState(feed?.schedule?.type ?? 'Daily');
  const [cron, setCron] = useState(feed?.schedule?.cron || '0 17 3 * * *');
  const [binary, setBinary] = useState(feed?.binary_names ?? false);
  const badName = name !== '' && !NAME.test(name);
  const badUrl = url !== '' && !ADDRESS.test(url);
  const badCron = kind === 'Custom' && !isCron(cron);
  return (
    <FormDialog
      title={feed ? t('advisories.edit', { name: feed.name }) : t('advisories.create')}
      action={t('common.save')}
      onClose={onClose}
      check={() => NAME.test(name) && ADDRESS.test(url) && !badCron}
      onSubmit={async () => {
        const schedule =
          kind === 'None' ? undefined : { type: kind, cron: kind === 'Custom' ? cron.trim() : '' };
        const rest = { url: url.trim(), binary_names: binary, schedule };
        const path = { feed_name: name };
        await ok(
          feed
            ? api.PUT('/advisories/feeds/{feed_name}', { params: { path }, body: rest })
            : api.POST('/advisories/feeds', { body: { name, ...rest } }),
        );
        await done({ done: t('common.saved'), stale: [['advisories']] });
      }}
    >
      {!feed && (
        <TextInput
          label={t('advisories.name')}
          withAsterisk
          data-autofocus
          value={name}
          error={badName ? t('advisories.nameRule') : null}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      )}
      <TextInput
        label={t('advisories.url')}
        description={t('advisories.urlAbout')}
        withAsterisk
        data-autofocus={feed ? true : undefined}
        value={url}
        error={badUrl ? t('advisories.urlRule') : null}
        onChange={(event) => setUrl(event.currentTarget.value)}
      />
      <NativeSelect
        label={t('advisories.fetched')}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value)}
        data={KINDS.map((value) => ({ value, label: word('schedule', value) }))}
      />
      {kind === 'Custom' && (
        <TextInput
          label={t('schedule.cron')}
          description={t('rules.cron')}
          value={cron}
          error={badCron ? t('rules.cron') : null}
          onChange={(event) => setCron(event.currentTarget.value)}
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
