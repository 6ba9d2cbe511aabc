/** The images of an index, each with how its scan or its SBOM stands. */
import { Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useI18n } from '../../i18n';
import { type Artifact, platformName } from '../../lib/artifacts';
import { type Column, DataTable } from '../../ui/DataTable';
import { ArtifactLink, type RepositoryAt } from '../../ui/Links';
import { Empty } from '../../ui/Notices';
import { shortDigest } from '../../ui/Small';
import { platformsIn, useImages } from './images';
import { isThere, isUnderWay, type May, ScanButtons, type ScanKind } from './scanning';

interface Props {
  artifact: Artifact;
  at: RepositoryAt;
  kind: ScanKind;
  may: May;
  label: string;
  about: string;
  state: (row: Artifact) => ReactNode;
}

export function Platforms({ artifact, at, kind, may, label, about, state }: Props) {
  const { t } = useI18n();
  const references = platformsIn(artifact);
  const found = useImages(at, artifact, kind);
  const columns: Column<Artifact>[] = [
    {
      id: 'platform',
      label: t('artifacts.platform'),
      primary: true,
      cell: (row) => {
        const reference = references.find((one) => one.child_digest === row.digest);
        return (
          <ArtifactLink
            {...at}
            reference={row.digest}
            part={kind === 'sbom' ? 'sbom' : 'vulnerabilities'}
          >
            {reference?.platform ? platformName(reference.platform) : t('artifacts.noPlatform')}
          </ArtifactLink>
        );
      },
    },
    {
      id: 'digest',
      label: t('artifacts.digest'),
      cell: (row) => <span className="mono">{shortDigest(row.digest)}</span>,
    },
    { id: 'state', label, cell: state },
  ];
  const items = found.data;
  // The state of the whole is that of its parts.
  const running = items?.some((one) => isUnderWay(one, kind));
  return (
    <Stack>
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed">
          {about}
        </Text>
        <ScanButtons
          at={at}
          artifacts={running ? (items ?? []) : [artifact]}
          may={may}
          size="xs"
          kind={kind}
          again={items?.every((one) => isThere(one, kind))}
        />
      </Group>
      <DataTable
        label={label}
        list={{ ...found, data: items && { items, total: items.length } }}
        columns={columns}
        keyOf={(row) => row.digest}
        empty={<Empty title={t('artifacts.nothing')} />}
      />
    </Stack>
  );
}
