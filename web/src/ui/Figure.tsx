/** A number with its name, and whether a project is open to all. */
import { Badge, Text } from '@mantine/core';
import { IconLock, IconWorld } from '@tabler/icons-react';
import { useI18n } from '../i18n';

export function Visibility({ open }: { open: boolean }) {
  const { t } = useI18n();
  const Icon = open ? IconWorld : IconLock;
  return (
    <Badge
      variant="light"
      color={open ? 'green' : 'gray'}
      tt="none"
      leftSection={<Icon size={12} aria-hidden />}
    >
      {open ? t('projects.public') : t('projects.private')}
    </Badge>
  );
}

export function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div className="surface" style={{ padding: 'var(--mantine-spacing-sm)' }}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fw={650} size="lg" className="tabular">
        {value}
      </Text>
    </div>
  );
}
