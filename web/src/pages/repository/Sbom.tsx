/** The SBOM of an artifact: whether there is one, how it is made, and what it lists. */
import { Badge, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useI18n } from '../../i18n';
import { useAct } from '../../lib/act';
import { type Artifact, isIndex, nameOf } from '../../lib/artifacts';
import { useFormat } from '../../lib/format';
import { saveText } from '../../lib/save';
import { hasSbom, readSbom, sbomOf } from '../../lib/sboms';
import { isScannable, isScanning } from '../../lib/scans';
import { Facts } from '../../ui/Facts';
import type { RepositoryAt } from '../../ui/Links';
import { Empty, Failure, Waiting, Warning } from '../../ui/Notices';
import { Moment } from '../../ui/Small';
import { readAddition } from './additions';
import { Packages } from './Packages';
import { Platforms } from './Platforms';
import { type May, ScanButtons, ScanLog, useMay } from './scanning';

interface Asked {
  artifact: Artifact;
  at: RepositoryAt;
}

export function Sbom({ artifact, at }: Asked) {
  const { t } = useI18n();
  const may = useMay(at.project, 'sbom');
  if (!isIndex(artifact)) return <OfImage artifact={artifact} at={at} may={may} />;
  return (
    <Platforms
      artifact={artifact}
      at={at}
      kind="sbom"
      may={may}
      label={t('sboms.title')}
      about={t('sboms.platforms')}
      state={(row) => <State artifact={row} />}
    />
  );
}

/** Whether there is one, or what came in between. */
function State({ artifact }: { artifact: Artifact }) {
  const { t } = useI18n();
  const overview = sbomOf(artifact);
  const status = overview?.scan_status.toLowerCase();
  if (isScanning(overview)) {
    return (
      <Group gap={6} wrap="nowrap" component="span" display="inline-flex">
        <Loader size={14} aria-hidden />
        <span className="nowrap">
          {t(status === 'running' ? 'sboms.running' : 'sboms.waiting')}
        </span>
      </Group>
    );
  }
  if (status === 'error') {
    return (
      <Badge
        color="red"
        variant="light"
        tt="none"
        leftSection={<IconAlertTriangle size={12} aria-hidden />}
      >
        {t('sboms.failed')}
      </Badge>
    );
  }
  if (hasSbom(artifact)) {
    return (
      <Badge
        color="green"
        variant="light"
        tt="none"
        leftSection={<IconCheck size={12} aria-hidden />}
      >
        {t('sboms.there')}
      </Badge>
    );
  }
  return (
    <Text span size="sm" c="dimmed">
      {t(status === 'stopped' ? 'sboms.stoppedState' : 'sboms.none')}
    </Text>
  );
}

function OfImage({ artifact, at, may }: Asked & { may: May }) {
  const { t } = useI18n();
  const overview = sbomOf(artifact);
  const there = hasSbom(artifact);
  const status = overview?.scan_status.toLowerCase();
  // An SBOM that is looked at itself is read, and made at its image.
  const buttons = isScannable(artifact) && (
    <ScanButtons at={at} artifacts={[artifact]} may={may} size="xs" kind="sbom" />
  );
  const log = may.log && overview && <ScanLog at={at} artifact={artifact} kind="sbom" />;
  const bad = status === 'error' || status === 'stopped';
  if (!there && !bad) {
    return isScanning(overview) ? (
      <Empty
        title={t('sboms.runningTitle')}
        next={<State artifact={artifact} />}
        action={buttons}
      />
    ) : (
      <Empty
        title={t('sboms.noneTitle')}
        next={may.scan ? t('sboms.noneNext') : t('sboms.noneMay')}
        action={buttons}
      />
    );
  }
  return (
    <Stack>
      <Group justify="space-between" gap="sm">
        <Group gap="sm" aria-live="polite">
          <State artifact={artifact} />
        </Group>
        <Group gap="xs">
          {log}
          {buttons}
        </Group>
      </Group>
      {status === 'error' && (
        <Warning title={t('sboms.failedTitle')}>
          {t('sboms.failedNext')} {there && t('sboms.old')}
        </Warning>
      )}
      {status === 'stopped' && (
        <Warning title={t('sboms.stoppedTitle')}>
          {t('sboms.stoppedNext')} {there && t('sboms.old')}
        </Warning>
      )}
      {there && <Document artifact={artifact} at={at} />}
    </Stack>
  );
}

function Document({ artifact, at }: Asked) {
  const { t } = useI18n();
  const format = useFormat();
  const made = sbomOf(artifact)?.sbom_digest;
  const found = useQuery({
    queryKey: ['sbom', at.project, at.repository, artifact.digest, made ?? ''],
    queryFn: async () => {
      const text = await readAddition(artifact, at, 'sbom', '?format=spdx');
      try {
        return { sbom: readSbom(JSON.parse(text)) };
      } catch {
        return { sbom: null };
      }
    },
  });
  if (found.error && !found.data) {
    return <Failure error={found.error} retry={() => found.refetch()} />;
  }
  if (!found.data) return <Waiting />;
  const { sbom } = found.data;
  const downloads = <Downloads artifact={artifact} at={at} />;
  return (
    <>
      {!made && artifact.type !== 'SBOM' && (
        <Warning title={t('sboms.foreignTitle')}>{t('sboms.foreignNext')}</Warning>
      )}
      {sbom ? (
        <>
          <Facts
            facts={[
              [t('sboms.created'), <Moment key="created" time={sbom.created} />],
              [t('sboms.tool'), sbom.tools.join(', ') || t('sboms.otherKind')],
              ...(sbom.distribution
                ? [[t('sboms.distribution'), sbom.distribution] as [string, string]]
                : []),
              [t('sboms.count'), format.number(sbom.packages.length)],
            ]}
          />
          <Packages packages={sbom.packages} downloads={downloads} />
        </>
      ) : (
        <Empty
          title={t('sboms.unreadableTitle')}
          next={t('sboms.unreadableNext')}
          action={downloads}
        />
      )}
    </>
  );
}

const FORMS = [
  { form: 'SPDX', format: 'spdx', ending: 'spdx.json', type: 'application/spdx+json' },
  {
    form: 'CycloneDX',
    format: 'cyclonedx',
    ending: 'cdx.json',
    type: 'application/vnd.cyclonedx+json',
  },
] as const;

function Downloads({ artifact, at }: Asked) {
  const { t } = useI18n();
  const act = useAct();
  const name = `${at.project}-${at.repository}-${nameOf(artifact)}`.replaceAll(/[^\w.-]+/g, '-');
  return (
    <Group gap="xs">
      {FORMS.map(({ form, format, ending, type }) => (
        <Button
          key={format}
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={() =>
            act(async () => {
              const text = await readAddition(artifact, at, 'sbom', `?format=${format}`);
              saveText(text, `${name}.${ending}`, type);
            })
          }
        >
          {t('sboms.download', { form })}
        </Button>
      ))}
    </Group>
  );
}
