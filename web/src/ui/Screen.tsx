/** The frame of a page: where one is, what it is called, and what can be done. */
import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useT } from '../i18n';

export interface Crumb {
  label: string;
  to: string;
}

interface Props {
  title: string;
  about?: ReactNode;
  crumbs?: Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}

export function Screen({ title, about, crumbs, actions, children }: Props) {
  const t = useT();
  useDocumentTitle(`${title} · Berth`);
  return (
    <Stack gap="md">
      {crumbs && crumbs.length > 0 && (
        <nav aria-label={t('common.breadcrumbs')}>
          <Breadcrumbs separatorMargin={6}>
            {crumbs.map((crumb) => (
              <Anchor key={crumb.to} component={Link} to={crumb.to} size="sm" inherit={false}>
                {crumb.label}
              </Anchor>
            ))}
            <Text size="sm" c="dimmed" className="break">
              {title}
            </Text>
          </Breadcrumbs>
        </nav>
      )}
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={1} size="h2" className="break">
            {title}
          </Title>
          {about && (
            <Text c="dimmed" size="sm" mt={4} maw="70ch">
              {about}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

/** A part of a page with a heading of its own. */
export function Section(props: {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Stack gap="sm" component="section">
      <Group justify="space-between" align="flex-end" gap="sm">
        <div>
          <Title order={2} size="h4">
            {props.title}
          </Title>
          {props.about && (
            <Text c="dimmed" size="sm" maw="70ch">
              {props.about}
            </Text>
          )}
        </div>
        {props.actions && <Group gap="xs">{props.actions}</Group>}
      </Group>
      {props.children}
    </Stack>
  );
}
