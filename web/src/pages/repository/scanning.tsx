/** Having artifacts scanned, or SBOMs of them made; stopping that, and what was said meanwhile. */
import { Button } from '@mantine/core';
import { IconListDetails, IconPlayerStop, IconShieldSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { api, ok } from '../../api/client';
import { useProject } from '../../api/queries';
import { useT } from '../../i18n';
import { useCan } from '../../lib/access';
import { useAct } from '../../lib/act';
import { type Artifact, nameOf } from '../../lib/artifacts';
import { hasSbom, sbomOf } from '../../lib/sboms';
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

export interface May {
  scan: boolean;
  stop: boolean;
  log: boolean;
}

/** What the user may do about scans, or about SBOMs, in a project. */
export function useMay(project: string, resource: 'scan' | 'sbom'): May {
  const { data } = useProject(project);
  const can = useCan(data?.project_id);
  return { scan: can(resource, 'create'), stop: can(resource, 'stop'), log: can(resource, 'read') };
}

/** What an artifact is looked into for; the API's own words. */
export const SCAN_KINDS = ['vulnerability', 'sbom'] as const;
export type ScanKind = (typeof SCAN_KINDS)[number];

const standing = { vulnerability: overviewOf, sbom: sbomOf } as const;

const WORDS = {
  vulnerability: {
    begin: 'vulnerabilities.scan',
    again: 'vulnerabilities.scanAgain',
    named: 'vulnerabilities.scan',
    stopNamed: 'vulnerabilities.stop',
    asked: 'vulnerabilities.asked',
    stop: 'vulnerabilities.stop',
    stopped: 'vulnerabilities.stopped',
    log: 'vulnerabilities.log',
    of: 'vulnerabilities.scanOf',
    stale: 'vulnerabilities',
  },
  sbom: {
    begin: 'sboms.make',
    again: 'sboms.makeAgain',
    named: 'sboms.makeSeveral',
    stopNamed: 'sboms.stopSeveral',
    asked: 'sboms.asked',
    stop: 'sboms.stop',
    stopped: 'sboms.stopped',
    log: 'sboms.log',
    of: 'sboms.of',
    stale: 'sbom',
  },
} as const;

export function isUnderWay(artifact: Artifact, kind: ScanKind): boolean {
  return isScanning(standing[kind](artifact));
}

export function isThere(artifact: Artifact, kind: ScanKind): boolean {
  return kind === 'sbom' ? hasSbom(artifact) : overviewOf(artifact) !== null;
}

export function useScans(at: RepositoryAt, kind: ScanKind) {
  const t = useT();
  const words = WORDS[kind];
  const act = useAct();
  const stale = [
    ['artifacts', at.project, at.repository],
    ['artifact', at.project, at.repository],
    [words.stale, at.project, at.repository],
  ];
  const body = { scan_type: kind };
  return {
    async scan(artifacts: Artifact[]): Promise<void> {
      const wanted = artifacts.filter(isScannable);
      await act(
        async () => {
          for (const artifact of wanted) {
            await ok(
              api.POST(
                '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan',
                { params: { path: pathOf(at, artifact) }, body },
              ),
            );
          }
        },
        { done: t(words.asked, { count: wanted.length }), stale },
      );
    },

    async stop(artifacts: Artifact[]): Promise<void> {
      const wanted = artifacts.filter((one) => isUnderWay(one, kind));
      await act(
        async () => {
          for (const artifact of wanted) {
            await ok(
              api.POST(
                '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/stop',
                { params: { path: pathOf(at, artifact) }, body },
              ),
            );
          }
        },
        { done: t(words.stopped), stale },
      );
    },
  };
}

interface ButtonsProps {
  at: RepositoryAt;
  artifacts: Artifact[];
  may: { scan: boolean; stop: boolean };
  size?: string;
  kind?: ScanKind;
  /** Beside other buttons, where it must be said what is made. */
  named?: boolean;
  /** Whether it was done before, where these do not tell. */
  again?: boolean;
}

/** “Scan” while nothing of these is scanned, “Stop” while something is. */
export function ScanButtons({
  at,
  artifacts,
  may,
  size,
  kind = 'vulnerability',
  ...props
}: ButtonsProps) {
  const t = useT();
  const scans = useScans(at, kind);
  const [busy, setBusy] = useState(false);
  const able = artifacts.filter(isScannable);
  const running = able.some((one) => isUnderWay(one, kind));
  const again = props.again ?? able.every((one) => isThere(one, kind));
  const Icon = kind === 'sbom' ? IconListDetails : IconShieldSearch;
  const words = WORDS[kind];
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
          leftSection={<Icon size={16} aria-hidden />}
          onClick={doing(scans.scan)}
        >
          {t(props.named ? words.named : again ? words.again : words.begin)}
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
          {t(props.named ? words.stopNamed : words.stop)}
        </Button>
      )}
    </>
  );
}

interface LogProps {
  at: RepositoryAt;
  artifact: Artifact;
  kind?: ScanKind;
}

/** What the last scan of an artifact said, while it says it. */
export function ScanLog({ at, artifact, kind = 'vulnerability' }: LogProps) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const words = WORDS[kind];
  const overview = standing[kind](artifact);
  if (!overview) return null;
  const path = { ...pathOf(at, artifact), report_id: overview.report_id };
  return (
    <>
      <Button variant="default" size="xs" onClick={() => setOpen(true)}>
        {t(words.log)}
      </Button>
      {open && (
        <LogView
          title={t(words.of, { name: nameOf(artifact) })}
          id={`${kind}-${overview.report_id}`}
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
