/** The side navigation: what everybody uses, and what administrators do. */
import { NavLink, Text } from '@mantine/core';
import {
  IconActivityHeartbeat,
  IconBoxMultiple,
  IconChartPie,
  IconHistory,
  IconNews,
  IconRecycle,
  IconRobot,
  IconSettings,
  IconShieldHalf,
  IconShieldSearch,
  IconStack2,
  IconTag,
  IconUser,
  IconUsersGroup,
} from '@tabler/icons-react';
import { Link, useRouterState } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { type Key, useT } from '../i18n';
import { useIsAdmin, useSession } from '../lib/access';

interface Entry {
  to: string;
  label: Extract<Key, `nav.${string}`>;
  icon: ComponentType<{ size?: number; stroke?: number }>;
}

const ADMIN: Entry[] = [
  { to: '/admin/health', label: 'nav.health', icon: IconActivityHeartbeat },
  { to: '/admin/users', label: 'nav.users', icon: IconUser },
  { to: '/admin/groups', label: 'nav.groups', icon: IconUsersGroup },
  { to: '/admin/robots', label: 'nav.robots', icon: IconRobot },
  { to: '/admin/labels', label: 'nav.labels', icon: IconTag },
  { to: '/admin/quotas', label: 'nav.quotas', icon: IconChartPie },
  { to: '/admin/security', label: 'nav.security', icon: IconShieldHalf },
  { to: '/admin/scanners', label: 'nav.scanners', icon: IconShieldSearch },
  { to: '/admin/advisories', label: 'nav.advisories', icon: IconNews },
  { to: '/admin/cleanup', label: 'nav.cleanup', icon: IconRecycle },
  { to: '/admin/jobs', label: 'nav.jobs', icon: IconStack2 },
  { to: '/admin/settings', label: 'nav.settings', icon: IconSettings },
];

function Entries({ entries }: { entries: Entry[] }) {
  const t = useT();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return entries.map(({ to, label, icon: Icon }) => (
    <NavLink
      key={to}
      component={Link}
      to={to}
      label={t(label)}
      active={path === to || path.startsWith(`${to}/`)}
      leftSection={<Icon size={18} stroke={1.6} />}
    />
  ));
}

export function Navigation() {
  const t = useT();
  const { user } = useSession();
  const admin = useIsAdmin();
  const daily: Entry[] = [{ to: '/projects', label: 'nav.projects', icon: IconBoxMultiple }];
  if (user) daily.push({ to: '/logs', label: 'nav.logs', icon: IconHistory });
  return (
    <>
      <Entries entries={daily} />
      {admin && (
        <>
          <Text size="xs" fw={600} c="dimmed" px="sm" pt="md" pb={4}>
            {t('nav.administration')}
          </Text>
          <Entries entries={ADMIN} />
        </>
      )}
    </>
  );
}
