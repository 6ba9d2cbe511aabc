/** What a project is: public or not, which vulnerabilities it lets pass, and its end. */
import { Alert, Button, Group, Paper, Radio, Stack, Switch, TagsInput, Text } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { useProject } from '../../api/queries';
import { useT } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct } from '../../lib/act';
import { usePlace } from '../../lib/place';
import { ask } from '../../ui/Dialogs';
import { Waiting } from '../../ui/Notices';
import { Section } from '../../ui/Screen';

export function ProjectSettings() {
  const { project } = usePlace();
  const { data } = useProject(project);
  if (!data) return <Waiting />;
  // The fields begin anew with what was saved.
  return <Form key={data.update_time} facts={data} />;
}

function Form({ facts }: { facts: Schemas['Project'] }) {
  const t = useT();
  const act = useAct();
  const { project } = usePlace();
  const can = useCan(facts.project_id);
  const [open, setOpen] = useState(facts.metadata.public === 'true');
  const [own, setOwn] = useState(facts.metadata.reuse_sys_cve_allowlist === 'false');
  const [allowed, setAllowed] = useState(facts.cve_allowlist.items.map((item) => item.cve_id));
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    await act(
      () =>
        ok(
          api.PUT('/projects/{project_name_or_id}', {
            params: { path: { project_name_or_id: project } },
            body: {
              metadata: { public: String(open), reuse_sys_cve_allowlist: String(!own) },
              ...(own ? { cve_allowlist: { items: allowed.map((cve_id) => ({ cve_id })) } } : {}),
            },
          }),
        ),
      { done: t('common.saved'), stale: [['project', project], ['projects']] },
    );
    setBusy(false);
  };
  return (
    <Stack gap="xl" maw={720}>
      <Section title={t('projectSettings.title')}>
        <Paper withBorder p="md">
          <Stack>
            <Switch
              label={t('projects.open')}
              description={t('projects.openAbout')}
              checked={open}
              onChange={(event) => setOpen(event.currentTarget.checked)}
            />
            <Radio.Group
              label={t('projectSettings.allowlist')}
              description={t('projectSettings.allowlistAbout')}
              value={own ? 'own' : 'system'}
              onChange={(value) => setOwn(value === 'own')}
            >
              <Group mt="xs">
                <Radio value="system" label={t('projectSettings.allowlistSystem')} />
                <Radio value="own" label={t('projectSettings.allowlistOwn')} />
              </Group>
            </Radio.Group>
            {own && (
              <TagsInput
                label={t('projectSettings.cves')}
                description={t('projectSettings.cvesAbout')}
                value={allowed}
                onChange={setAllowed}
                splitChars={[',', ' ', ';']}
              />
            )}
            <Group>
              <Button onClick={save} loading={busy}>
                {t('common.save')}
              </Button>
            </Group>
          </Stack>
        </Paper>
      </Section>
      {can('', 'delete') && <End facts={facts} />}
    </Stack>
  );
}

function End({ facts }: { facts: Schemas['Project'] }) {
  const t = useT();
  const act = useAct();
  const navigate = useNavigate();
  const remove = async () => {
    const sure = await ask({
      title: t('projectSettings.delete'),
      body: t('projectSettings.deleteAsk', { name: facts.name }),
      action: t('common.delete'),
      danger: true,
      typed: facts.name,
    });
    if (!sure) return;
    const path = { project_name_or_id: facts.name };
    const done = await act(
      () => ok(api.DELETE('/projects/{project_name_or_id}', { params: { path } })),
      { done: t('common.deleted', { name: facts.name }), stale: [['projects'], ['statistics']] },
    );
    if (done) await navigate({ to: '/projects' });
  };
  return (
    <Section title={t('projectSettings.end')}>
      <Alert variant="light" color="gray">
        <Stack align="flex-start" gap="sm">
          <Text size="sm">{t('projectSettings.deleteAbout')}</Text>
          <Button
            color="red"
            leftSection={<IconTrash size={16} aria-hidden />}
            onClick={remove}
            disabled={facts.repo_count > 0}
          >
            {t('projectSettings.delete')}
          </Button>
        </Stack>
      </Alert>
    </Section>
  );
}
