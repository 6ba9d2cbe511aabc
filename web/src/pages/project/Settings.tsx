/** What a project is: public or not, what it scans and lets pass, and its end. */
import {
  Alert,
  Button,
  Group,
  NativeSelect,
  Paper,
  Radio,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, ok, type Schemas } from '../../api/client';
import { asFailure } from '../../api/errors';
import { useProject } from '../../api/queries';
import { useI18n, useT } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct, useDone } from '../../lib/act';
import { dayOf, endOf } from '../../lib/days';
import { usePlace } from '../../lib/place';
import { type Fault, faultOf, type RuleName, readLimits, writeLimits } from '../../lib/pullRules';
import { entriesOf } from '../../lib/scans';
import { ask } from '../../ui/Dialogs';
import { useReason, Waiting } from '../../ui/Notices';
import { Section } from '../../ui/Screen';
import { ProjectScanner } from './ProjectScanner';
import { LimitFields, RuleField } from './PullRules';

export function ProjectSettings() {
  const { project } = usePlace();
  const { data } = useProject(project);
  if (!data) return <Waiting />;
  // The fields begin anew with what was saved.
  return <Form key={data.update_time} facts={data} />;
}

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'none'] as const;

function Form({ facts }: { facts: Schemas['Project'] }) {
  const { t, word } = useI18n();
  const act = useAct();
  const done = useDone();
  const { project } = usePlace();
  const can = useCan(facts.project_id);
  const { metadata, cve_allowlist } = facts;
  const [open, setOpen] = useState(metadata.public === 'true');
  const [scans, setScans] = useState(metadata.auto_scan === 'true');
  const [bills, setBills] = useState(metadata.auto_sbom_generation === 'true');
  const [prevents, setPrevents] = useState(metadata.prevent_vul === 'true');
  const [severity, setSeverity] = useState(metadata.severity || 'high');
  const [limits, setLimits] = useState(readLimits(metadata.vulnerability_limits));
  const [rule, setRule] = useState(metadata.pull_rule ?? '');
  const [fault, setFault] = useState<Fault | null>(null);
  const reasonOf = useReason();
  const faultIn = (field: RuleName) =>
    fault?.field === field ? (reasonOf(fault.reason) ?? fault.said) : undefined;
  const ruleField = useRef<HTMLTextAreaElement>(null);
  const [own, setOwn] = useState(metadata.reuse_sys_cve_allowlist === 'false');
  const [allowed, setAllowed] = useState(cve_allowlist.items.map((item) => item.cve_id));
  const [until, setUntil] = useState(dayOf(cve_allowlist.expires_at));
  const [busy, setBusy] = useState(false);
  const may = can('', 'update');
  const save = async () => {
    setBusy(true);
    const list = { items: entriesOf(allowed), expires_at: endOf(until) };
    const change = () =>
      ok(
        api.PUT('/projects/{project_name_or_id}', {
          params: { path: { project_name_or_id: project } },
          body: {
            metadata: {
              public: String(open),
              auto_scan: String(scans),
              auto_sbom_generation: String(bills),
              prevent_vul: String(prevents),
              ...(prevents ? { severity } : {}),
              vulnerability_limits: writeLimits(limits),
              pull_rule: rule.trim(),
              reuse_sys_cve_allowlist: String(!own),
            },
            ...(own ? { cve_allowlist: list } : {}),
          },
        }),
      );
    setFault(null);
    try {
      await change();
      await done({ done: t('common.saved'), stale: [['project', project], ['projects']] });
    } catch (error) {
      const found = faultOf(asFailure(error));
      setFault(found);
      if (found?.field === 'pull_rule') ruleField.current?.focus();
      if (!found) await act(() => Promise.reject(error));
    }
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
              disabled={!may}
              onChange={(event) => setOpen(event.currentTarget.checked)}
            />
            <Switch
              label={t('projectSettings.autoScan')}
              description={t('projectSettings.autoScanAbout')}
              checked={scans}
              disabled={!may}
              onChange={(event) => setScans(event.currentTarget.checked)}
            />
            <Switch
              label={t('projectSettings.autoSbom')}
              description={t('projectSettings.autoSbomAbout')}
              checked={bills}
              disabled={!may}
              onChange={(event) => setBills(event.currentTarget.checked)}
            />
            <Switch
              label={t('projectSettings.prevent')}
              description={t('projectSettings.preventAbout')}
              checked={prevents}
              disabled={!may}
              onChange={(event) => setPrevents(event.currentTarget.checked)}
            />
            {prevents && (
              <NativeSelect
                maw={320}
                label={t('projectSettings.severity')}
                value={severity}
                disabled={!may}
                onChange={(event) => setSeverity(event.currentTarget.value)}
                data={SEVERITIES.map((value) => ({ value, label: word('severities', value) }))}
              />
            )}
            <LimitFields
              value={limits}
              onChange={setLimits}
              disabled={!may}
              error={faultIn('vulnerability_limits')}
            />
            <RuleField
              ref={ruleField}
              value={rule}
              onChange={setRule}
              disabled={!may}
              error={faultIn('pull_rule')}
            />
            <Radio.Group
              label={t('projectSettings.allowlist')}
              description={t('projectSettings.allowlistAbout')}
              value={own ? 'own' : 'system'}
              onChange={(value) => setOwn(value === 'own')}
            >
              <Group mt="xs">
                <Radio
                  value="system"
                  label={t('projectSettings.allowlistSystem')}
                  disabled={!may}
                />
                <Radio value="own" label={t('projectSettings.allowlistOwn')} disabled={!may} />
              </Group>
            </Radio.Group>
            {own ? (
              <>
                <TagsInput
                  label={t('projectSettings.cves')}
                  description={t('projectSettings.cvesAbout')}
                  value={allowed}
                  disabled={!may}
                  onChange={setAllowed}
                  splitChars={[',', ' ', ';']}
                />
                <TextInput
                  type="date"
                  maw={320}
                  label={t('projectSettings.until')}
                  description={t('projectSettings.untilAbout')}
                  value={until}
                  disabled={!may}
                  onChange={(event) => setUntil(event.currentTarget.value)}
                />
                {until !== '' && (endOf(until) ?? 0) * 1000 < Date.now() && (
                  <Alert variant="light" color="yellow">
                    {t('projectSettings.over')}
                  </Alert>
                )}
              </>
            ) : (
              <SystemList />
            )}
            {may && (
              <Group>
                <Button onClick={save} loading={busy}>
                  {t('common.save')}
                </Button>
              </Group>
            )}
          </Stack>
        </Paper>
      </Section>
      {can('scanner', 'read') && (
        <ProjectScanner project={project} may={can('scanner', 'create')} />
      )}
      {can('', 'delete') && <End facts={facts} />}
    </Stack>
  );
}

function SystemList() {
  const { t } = useI18n();
  const { data } = useQuery({
    queryKey: ['allowlist'],
    queryFn: () => ok(api.GET('/system/CVEAllowlist')),
  });
  if (!data) return null;
  return (
    <Text size="sm" c="dimmed" className="break">
      {t('projectSettings.systemList', { count: data.items.length })}
      {data.items.length > 0 && `: ${data.items.map((item) => item.cve_id).join(', ')}`}
    </Text>
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
