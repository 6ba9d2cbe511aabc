/** Adds an OpenVEX document: out of a file, or out of what was pasted. */
import { Anchor, FileInput, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { api, ok } from '../../api/client';
import { useT } from '../../i18n';
import { useDone } from '../../lib/act';
import { readVex, STALE } from '../../lib/vex';
import { FormDialog } from '../../ui/Dialogs';

/** Where the format is explained. */
const OPENVEX = 'https://openvex.dev';

const FAULTS = {
  notJson: 'vex.notJson',
  notVex: 'vex.notVex',
  noId: 'vex.noId',
  noStatements: 'vex.noStatements',
} as const;

/** How a document begins. */
const EXAMPLE = `{
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "https://example.org/vex/1",
  …
}`;

export function VexForm({ project, onClose }: { project: string; onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const [file, setFile] = useState<File | null>(null);
  const [typed, setTyped] = useState('');
  const [tried, setTried] = useState(false);
  const read = readVex(typed);
  const choose = async (chosen: File | null) => {
    setFile(chosen);
    if (chosen) setTyped(await chosen.text());
  };
  const submit = async () => {
    if (!('document' in read)) return;
    await ok(
      api.POST('/projects/{project_name_or_id}/vex', {
        params: { path: { project_name_or_id: project } },
        body: read.document,
      }),
    );
    await done({ done: t('vex.added', { name: String(read.document['@id']) }), stale: STALE });
  };
  return (
    <FormDialog
      title={t('vex.add')}
      action={t('common.add')}
      size="lg"
      onClose={onClose}
      check={() => {
        setTried(true);
        return 'document' in read;
      }}
      onSubmit={submit}
    >
      <Text size="sm">
        {t('vex.addAbout')}{' '}
        <Anchor href={OPENVEX} target="_blank" rel="noreferrer" inherit>
          {OPENVEX}
        </Anchor>
      </Text>
      <FileInput
        label={t('vex.file')}
        placeholder={t('vex.fileNone')}
        accept=".json,application/json"
        value={file}
        onChange={choose}
        clearable
        clearButtonProps={{ 'aria-label': t('common.remove') }}
      />
      <Textarea
        label={t('vex.text')}
        withAsterisk
        autosize
        minRows={8}
        maxRows={16}
        placeholder={EXAMPLE}
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        classNames={{ input: 'mono' }}
        value={typed}
        error={tried && 'fault' in read ? t(FAULTS[read.fault]) : null}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setFile(null);
        }}
      />
    </FormDialog>
  );
}
