/** The frame of a project: its name, and the tabs that one may use. */
import { Group, Tabs } from '@mantine/core';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useProject } from '../../api/queries';
import { type PlainKey, useI18n } from '../../i18n';
import { useCan } from '../../lib/access';
import { usePlace } from '../../lib/place';
import { roleName } from '../../lib/roles';
import { Visibility } from '../../ui/Figure';
import { Failure, Waiting } from '../../ui/Notices';
import { Screen } from '../../ui/Screen';
import classes from './Project.module.css';

interface Tab {
  id: string;
  label: Extract<PlainKey, `project.${string}`>;
  /** What one must be allowed to do for the tab to be of use. */
  needs?: [resource: string, action: string];
}

const TABS: Tab[] = [
  { id: 'summary', label: 'project.summary' },
  { id: 'repositories', label: 'project.repositories' },
  { id: 'members', label: 'project.members', needs: ['member', 'list'] },
  { id: 'labels', label: 'project.labels', needs: ['label', 'list'] },
  { id: 'robots', label: 'project.robots', needs: ['robot', 'list'] },
  { id: 'webhooks', label: 'project.webhooks', needs: ['notification-policy', 'list'] },
  { id: 'retention', label: 'project.retention', needs: ['tag-retention', 'list'] },
  { id: 'immutability', label: 'project.immutability', needs: ['immutable-tag', 'list'] },
  { id: 'vex', label: 'project.vex', needs: ['scanner', 'read'] },
  { id: 'exports', label: 'project.exports', needs: ['export-cve', 'create'] },
  { id: 'logs', label: 'project.logs', needs: ['log', 'list'] },
  { id: 'settings', label: 'project.settings', needs: ['metadata', 'update'] },
];

export function Project() {
  const { t, word } = useI18n();
  const { project } = usePlace();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { data, error, refetch } = useProject(project);
  const can = useCan(data?.project_id);
  const last = path.split('/')[3] ?? '';
  const current = last === '' ? 'summary' : last;
  const list = useRef<HTMLDivElement>(null);
  // On a narrow screen the tab that is open may be out of sight.
  useEffect(() => {
    if (data && current) {
      const tab = list.current?.querySelector('[aria-selected="true"]');
      tab?.scrollIntoView({ block: 'nearest', inline: 'center' });
    }
  }, [data, current]);
  if (error && !data) return <Failure error={error} retry={() => refetch()} />;
  if (!data) return <Waiting />;
  const role = roleName(data.current_user_role_id);
  const tabs = TABS.filter(({ needs }) => !needs || can(...needs));
  const open = (tab: string | null) => {
    const params = { project };
    if (!tab || tab === 'summary') void navigate({ to: '/projects/$project', params });
    else void navigate({ to: `/projects/$project/${tab}` as '/projects/$project/members', params });
  };
  return (
    <Screen
      title={project}
      crumbs={[{ label: t('projects.title'), to: '/projects' }]}
      about={
        <Group component="span" gap="xs">
          <Visibility open={data.metadata.public === 'true'} />
          {role && <span>{word('roles', role)}</span>}
        </Group>
      }
    >
      <Tabs value={current} onChange={open} keepMounted={false} activateTabWithKeyboard={false}>
        <Tabs.List ref={list} aria-label={t('project.tabs')} className={classes.tabs}>
          {tabs.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {t(label)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={current} pt="md">
          <Outlet />
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}
