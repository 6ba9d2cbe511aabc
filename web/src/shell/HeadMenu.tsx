/** Language, theme and one's own account, at the right of the head. */
import {
  ActionIcon,
  Button,
  Group,
  Menu,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import {
  IconCheck,
  IconLanguage,
  IconLogout,
  IconMoon,
  IconSun,
  IconUserCircle,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { logOut } from '../api/session';
import { LANGUAGES, useI18n } from '../i18n';
import { useSession } from '../lib/access';

export function LanguageMenu() {
  const { t, language, choose } = useI18n();
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.language')}>
          <IconLanguage size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {LANGUAGES.map(({ id, name, locale }) => (
          <Menu.Item
            key={id}
            lang={locale}
            onClick={() => choose(id)}
            rightSection={id === language ? <IconCheck size={16} aria-hidden /> : null}
            aria-current={id === language}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function ThemeSwitch() {
  const { t } = useI18n();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
      aria-label={dark ? t('shell.light') : t('shell.dark')}
    >
      {dark ? <IconSun size={20} aria-hidden /> : <IconMoon size={20} aria-hidden />}
    </ActionIcon>
  );
}

export function HeadMenu() {
  const { t } = useI18n();
  const { user } = useSession();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const leave = async () => {
    await logOut();
    queries.clear();
    await navigate({ to: '/login' });
  };
  return (
    <Group gap={4} wrap="nowrap">
      <LanguageMenu />
      <ThemeSwitch />
      {user ? (
        <Menu position="bottom-end" withArrow>
          <Menu.Target>
            <Button
              variant="subtle"
              color="gray"
              px="xs"
              leftSection={<IconUserCircle size={20} aria-hidden />}
              aria-label={t('shell.account', { name: user.username })}
            >
              <Text size="sm" maw={120} truncate visibleFrom="sm">
                {user.username}
              </Text>
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              component={Link}
              to="/profile"
              leftSection={<IconUserCircle size={16} aria-hidden />}
            >
              {t('shell.profile')}
            </Menu.Item>
            <Menu.Item component="a" href="/devcenter-api-2.0" target="_blank" rel="noreferrer">
              {t('shell.api')}
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item onClick={leave} leftSection={<IconLogout size={16} aria-hidden />}>
              {t('shell.logOut')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : (
        <Button component={Link} to="/login" size="xs">
          {t('login.submit')}
        </Button>
      )}
    </Group>
  );
}
