/** Having artifacts scanned, stopping that, and what a scan said. */
import { Button } from '@mantine/core';
import { IconPlayerStop, IconShieldSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { api, ok } from '../../api/client';
import { useT } from '../../i18n';
import { useAct } from '../../lib/act';
import { type Artifact, nameOf } from '../../lib/artifacts';
import { isScannable, isScanning, overviewOf } from '../../lib/scans';
import type { RepositoryAt } from '../../ui/Links';
import { LogView } from '../../ui/LogView';

const pathOf = (at: RepositoryAt, artifact: Artifact) => ({
  project_name: at.project,
  repository_name: at.repository,
  reference: artifact.digest,
});

/** While something is scanned, pages look for news this often. */
export const SCAN_LIVE = 1_500;

export function useScans(at: RepositoryAt) {
  const t = useT();
  const act = useAct();
  const stale = [
    ['artifacts', at.project, at.repository],
    ['artifact', at.project, at.repository],
    ['vulnerabilities', at.project, at.repository],
  ];
  return {
    async scan(artifacts: Artifact[]): Promise<void> {
      const wanted = artifacts.filter(isScannable);
      await act(
        async () => {
          for (const artifact of wanted) {
            await ok(
              api.POST(
                '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan',
                { params: { path: pathOf(at, artifact) }, body: {} },
              ),
            );
          }
        },
        { done: t('vulnerabilities.asked', { count: wanted.length }), stale },
      );
    },

    async stop(artifacts: Artifact[]): Promise<void> {
      const wanted = artifacts.filter((one) => isScanning(overviewOf(one)));
      await act(
        async () => {
          for (const artifact of wanted) {
            await ok(
              api.POST(
                '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/stop',
                { params: { path: pathOf(at, artifact) }, body: {} },
              ),
            );
          }
        },
        { done: t('vulnerabilities.stopped'), stale },
      );
    },
  };
}

interface ButtonsProps {
  at: RepositoryAt;
  artifacts: Artifact[];
  may: { scan: boolean; stop: boolean };
  size?: string;
}

/** “Scan” while nothing of these is scanned, “Stop” while something is. */
export function ScanButtons({ at, artifacts, may, size }: ButtonsProps) {
  const t = useT();
  const scans = useScans(at);
  const [busy, setBusy] = useState(false);
  const able = artifacts.filter(isScannable);
  const running = able.some((one) => isScanning(overviewOf(one)));
  const again = able.every((one) => overviewOf(one) !== null);
  const doing = (what: (artifacts: Artifact[]) => Promise<void>) => async () => {
    setBusy(true);
    await what(able);
    setBusy(false);
  };
  return (
    <>
      {may.scan && able.length > 0 && !running && (
        <Button
          size={size}
          variant="default"
          loading={busy}
          leftSection={<IconShieldSearch size={16} aria-hidden />}
          onClick={doing(scans.scan)}
        >
          {again ? t('vulnerabilities.scanAgain') : t('vulnerabilities.scan')}
        </Button>
      )}
      {may.stop && running && (
        <Button
          size={size}
          variant="default"
          loading={busy}
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          onClick={doing(scans.stop)}
        >
          {t('vulnerabilities.stop')}
        </Button>
      )}
    </>
  );
}

/** What the last scan of an artifact said, while it says it. */
export function ScanLog({ at, artifact }: { at: RepositoryAt; artifact: Artifact }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const overview = overviewOf(artifact);
  if (!overview) return null;
  const path = { ...pathOf(at, artifact), report_id: overview.report_id };
  return (
    <>
      <Button variant="default" size="xs" onClick={() => setOpen(true)}>
        {t('vulnerabilities.log')}
      </Button>
      {open && (
        <LogView
          title={t('vulnerabilities.scanOf', { name: nameOf(artifact) })}
          id={`scan-${overview.report_id}`}
          running={isScanning(overview)}
          read={() =>
            ok(
              api.GET(
                '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/{report_id}/log',
                { params: { path }, parseAs: 'text' },
              ),
            )
          }
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
