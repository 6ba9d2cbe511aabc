/** What an index names: each with its platform, and what is known of its vulnerabilities. */
import { Group, Stack, Text } from '@mantine/core';
import { useI18n } from '../../i18n';
import { type Artifact, platformName } from '../../lib/artifacts';
import { isScannable, overviewOf } from '../../lib/scans';
import { ArtifactLink, type RepositoryAt } from '../../ui/Links';
import { ScanState } from '../../ui/Severity';
import { shortDigest } from '../../ui/Small';
import { useImages } from './images';

export function PlatformTree({ artifact, at }: { artifact: Artifact; at: RepositoryAt }) {
  const { t } = useI18n();
  const { data = [] } = useImages(at, artifact, 'vulnerability');
  return (
    <Stack gap="xs" component="ul" m={0} pl="md" aria-label={t('artifacts.index')}>
      {(artifact.references ?? []).map((one) => {
        const image = data.find((it) => it.digest === one.child_digest);
        return (
          <li key={one.child_digest}>
            <Group gap={6} component="span">
              <ArtifactLink {...at} reference={one.child_digest}>
                <span className="mono nowrap">{shortDigest(one.child_digest)}</span>
              </ArtifactLink>
              <Text span size="sm" c="dimmed" fw={400}>
                {one.platform ? platformName(one.platform) : t('artifacts.noPlatform')}
              </Text>
              {image && isScannable(image) && (
                <ArtifactLink {...at} reference={one.child_digest} part="vulnerabilities">
                  <ScanState overview={overviewOf(image)} />
                </ArtifactLink>
              )}
            </Group>
          </li>
        );
      })}
    </Stack>
  );
}
