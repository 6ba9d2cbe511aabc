/** Parts of artifacts that the list and the artifact's own page show. */
import { Badge, Group, Menu, Stack, Tabs, Text, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconLock } from '@tabler/icons-react';
import { useI18n } from '../i18n';
import { type Artifact, platformsOf } from '../lib/artifacts';
import { copyText } from '../lib/clipboard';
import { pullCommands } from '../lib/commands';
import { useSay } from '../lib/say';
import { ArtifactLink, type RepositoryAt, TagLink } from './Links';
import { Bytes, Line, shortDigest } from './Small';

export function Tags({ artifact, at }: { artifact: Artifact; at: RepositoryAt }) {
  const { t } = useI18n();
  const tags = artifact.tags ?? [];
  if (tags.length === 0) {
    return (
      <Text span size="sm" c="dimmed">
        {t('artifacts.untagged')}
      </Text>
    );
  }
  return (
    <Group gap={6} component="span" display="inline-flex">
      {tags.map((tag) => (
        <span key={tag.id} className="nowrap">
          <TagLink {...at} tag={tag.name}>
            {tag.name}
          </TagLink>
          {tag.immutable && (
            <IconLock
              size={13}
              role="img"
              aria-label={t('artifacts.immutable')}
              style={{ marginLeft: 3, verticalAlign: '-1px' }}
            />
          )}
        </span>
      ))}
    </Group>
  );
}

export function Labels({ artifact }: { artifact: Artifact }) {
  return (
    <Group gap={4} component="span" display="inline-flex">
      {(artifact.labels ?? []).map((label) => (
        <LabelBadge key={label.id} name={label.name} color={label.color} />
      ))}
    </Group>
  );
}

/** A label: its colour is beside its name, so that the name can always be read. */
export function LabelBadge({ name, color }: { name: string; color: string }) {
  return (
    <Badge
      variant="default"
      tt="none"
      leftSection={
        <span
          aria-hidden
          style={{
            display: 'inline-block',
            width: 9,
            height: 9,
            borderRadius: 9,
            // Clients may have stored any word.
            background: CSS.supports('color', color) ? color : 'currentColor',
          }}
        />
      }
    >
      {name}
    </Badge>
  );
}

export function Platforms({ artifact }: { artifact: Artifact }) {
  const names = platformsOf(artifact);
  return (
    <Stack gap={0}>
      {names.slice(0, 4).map((name) => (
        <span key={name} className="nowrap">
          {name}
        </span>
      ))}
      {names.length > 4 && <span>+{names.length - 4}</span>}
    </Stack>
  );
}

export function Accessories({ artifact, at }: { artifact: Artifact; at: RepositoryAt }) {
  const { word } = useI18n();
  return (
    <Stack gap={4} component="ul" m={0} pl="md">
      {(artifact.accessories ?? []).map((one) => (
        <li key={one.id}>
          <ArtifactLink {...at} reference={one.digest}>
            {word('accessories', one.type)}
          </ArtifactLink>{' '}
          <Text span size="sm" c="dimmed">
            <span className="mono">{shortDigest(one.digest)}</span> · <Bytes size={one.size} />
          </Text>
        </li>
      ))}
    </Stack>
  );
}

function commandsOf(artifact: Artifact) {
  return pullCommands({
    kind: artifact.type,
    host: location.host,
    repository: artifact.repository_name,
    tag: artifact.tags?.[0]?.name ?? null,
    digest: artifact.digest,
  });
}

/** Pull commands to copy, one client at a time. */
export function PullCommands({ artifact }: { artifact: Artifact }) {
  const { t } = useI18n();
  const commands = commandsOf(artifact);
  return (
    <Tabs defaultValue={commands[0]?.client} variant="pills" radius="md">
      <Tabs.List aria-label={t('artifacts.client')} mb="xs">
        {commands.map(({ client }) => (
          <Tabs.Tab key={client} value={client} size="xs">
            {client}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {commands.map(({ client, line }) => (
        <Tabs.Panel key={client} value={client}>
          <Line text={line} label={t('common.copyCommand')} />
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

/** The same in a table, as a menu that copies. */
export function PullMenu({ artifact, name }: { artifact: Artifact; name: string }) {
  const { t } = useI18n();
  const say = useSay();
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <UnstyledButton fz="sm" className="nowrap" aria-label={t('artifacts.pullOf', { name })}>
          {t('artifacts.pull')} <IconChevronDown size={13} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('artifacts.copies')}</Menu.Label>
        {commandsOf(artifact).map(({ client, line }) => (
          <Menu.Item
            key={client}
            className="mono"
            onClick={async () => {
              if (await copyText(line)) say({ message: t('common.copied') });
            }}
          >
            {line.length > 64 ? `${line.slice(0, 61)}…` : line}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
