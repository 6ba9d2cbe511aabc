/** Lets a vulnerability pass, from the report in which it stands. */
import { Alert, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useT } from '../../i18n';
import { useIsAdmin, useSession } from '../../lib/access';
import { useDone } from '../../lib/act';
import { dayOf, endOf } from '../../lib/days';
import type { List } from '../../lib/scans';
import { FormDialog } from '../../ui/Dialogs';
import { Waiting } from '../../ui/Notices';

type Project = Schemas['Project'];

const hasOwn = (project: Project) => project.metadata.reuse_sys_cve_allowlist === 'false';

function useSystemAllowlist(enabled: boolean) {
  return useQuery({
    queryKey: ['allowlist'],
    enabled,
    queryFn: () => ok(api.GET('/system/CVEAllowlist')),
  });
}

/** The list that holds for a project: its own or the system's. */
export function useAllowlist(project: Project | undefined): { data: List | undefined } {
  const { user } = useSession();
  const own = !!project && hasOwn(project);
  const system = useSystemAllowlist(!!user && !!project && !own);
  return own ? { data: project.cve_allowlist } : system;
}

interface Props {
  id: string;
  project: Project;
  onClose: () => void;
}

export function AllowDialog(props: Props) {
  const system = useSystemAllowlist(true);
  if (system.data) return <Form {...props} system={system.data} />;
  return <Waiting />;
}

function Form({ id, project, system, onClose }: Props & { system: Schemas['CVEAllowlist'] }) {
  const t = useT();
  const done = useDone();
  const admin = useIsAdmin();
  const own = hasOwn(project);
  const lists = { project: own ? project.cve_allowlist : system, system };
  const [where, setWhere] = useState<'project' | 'system'>(admin && !own ? 'system' : 'project');
  const [until, setUntil] = useState(dayOf(lists[where].expires_at));
  const choose = (next: 'project' | 'system') => {
    setWhere(next);
    setUntil(dayOf(lists[next].expires_at));
  };
  const submit = async () => {
    const list = lists[where];
    const items = [...list.items.filter((item) => item.cve_id !== id), { cve_id: id }].map(
      ({ cve_id }) => ({ cve_id }),
    );
    const body = { items, expires_at: endOf(until) };
    if (where === 'system') {
      await ok(api.PUT('/system/CVEAllowlist', { body }));
    } else {
      await ok(
        api.PUT('/projects/{project_name_or_id}', {
          params: { path: { project_name_or_id: project.name } },
          body: { metadata: { reuse_sys_cve_allowlist: 'false' }, cve_allowlist: body },
        }),
      );
    }
    await done({
      done: t('vulnerabilities.allowDone', { name: id }),
      stale: [['allowlist'], ['project', project.name]],
    });
  };
  return (
    <FormDialog
      title={t('vulnerabilities.allowOf', { name: id })}
      action={t('common.add')}
      onClose={onClose}
      onSubmit={submit}
    >
      <Text size="sm">{t('vulnerabilities.allowAbout')}</Text>
      {admin && !own && (
        <Radio.Group
          label={t('vulnerabilities.allowWhere')}
          value={where}
          onChange={(value) => choose(value === 'system' ? 'system' : 'project')}
        >
          <Stack gap="xs" mt="xs">
            <Radio value="system" label={t('vulnerabilities.allowSystem')} />
            <Radio value="project" label={t('vulnerabilities.allowProject')} />
          </Stack>
        </Radio.Group>
      )}
      {where === 'project' && !own && (
        <Alert variant="light" color="harbour">
          {t('vulnerabilities.allowProjectNew')}
        </Alert>
      )}
      <TextInput
        type="date"
        label={t('vulnerabilities.allowUntil')}
        description={t('vulnerabilities.allowUntilAbout')}
        value={until}
        onChange={(event) => setUntil(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
