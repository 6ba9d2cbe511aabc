/** The frame around every page behind the login: head, navigation, what is said to all. */
import { Alert, AppShell, Burger, Group, ScrollArea, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconInfoCircle, IconLock } from '@tabler/icons-react';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useSystemInfo } from '../api/queries';
import { useT } from '../i18n';
import { bannerOf } from '../lib/banner';
import { GlobalSearch } from './GlobalSearch';
import { HeadMenu } from './HeadMenu';
import { Logo } from './Logo';
import { Navigation } from './Navigation';
import { SessionOver } from './SessionOver';

export function Shell() {
  const t = useT();
  const [opened, { toggle, close }] = useDisclosure();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { data: info } = useSystemInfo();
  const banner = bannerOf(info?.banner_message ?? '');
  // On a phone the navigation lies over the page and has to go when a page was chosen.
  useEffect(() => {
    void path;
    close();
  }, [path, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 230, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a className="skip-link" href="#main">
        {t('shell.skip')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="sm">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={opened ? t('shell.closeMenu') : t('shell.openMenu')}
              aria-expanded={opened}
            />
            <Link to="/projects" aria-label={t('shell.home')} style={{ textDecoration: 'none' }}>
              <Group gap={8} wrap="nowrap">
                <Logo size={28} />
                <Text fw={700} c="var(--mantine-color-text)" visibleFrom="xs">
                  Berth
                </Text>
              </Group>
            </Link>
          </Group>
          <GlobalSearch />
          <HeadMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('shell.navigation')}>
        <ScrollArea flex={1} type="auto">
          <Navigation />
        </ScrollArea>
        {info?.harbor_version && (
          <Text size="xs" c="dimmed" px="sm" py="xs">
            {t('shell.version', { version: info.harbor_version })}
          </Text>
        )}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {info?.read_only && (
          <Alert color="yellow" icon={<IconLock aria-hidden />} mb="md" title={t('shell.readOnly')}>
            {t('shell.readOnlyNext')}
          </Alert>
        )}
        {banner && (
          <Alert color={banner.color} icon={<IconInfoCircle aria-hidden />} mb="md">
            {banner.text}
          </Alert>
        )}
        <Outlet />
      </AppShell.Main>
      <SessionOver />
    </AppShell>
  );
}
