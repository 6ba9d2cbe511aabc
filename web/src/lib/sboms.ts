/** Reading SBOMs: how one stands, and the packages in a document of SPDX 2. */
import type { Schemas } from '../api/client';
import type { Artifact } from './artifacts';

export type SbomOverview = Schemas['SBOMOverview'];

/** The type that accessories have which are SBOMs of their image. */
const ACCESSORY = 'sbom.harbor';

export function sbomOf(artifact: Pick<Artifact, 'sbom_overview'>): SbomOverview | null {
  return artifact.sbom_overview ?? null;
}

/** Whether there is a document to read: one that was made here, or one that came with the image. */
export function hasSbom(artifact: Artifact): boolean {
  return (
    artifact.type === 'SBOM' ||
    !!artifact.sbom_overview?.sbom_digest ||
    (artifact.accessories ?? []).some((one) => one.type === ACCESSORY)
  );
}

export interface Package {
  /** Its place in the document. */
  key: number;
  name: string;
  version: string;
  /** The type of its package URL: `deb`, `npm`; empty without one. */
  kind: string;
  licence: string;
  purl: string;
  /** Where it is named in the image, as the document says it. */
  source: string;
}

export interface Sbom {
  created: string;
  tools: string[];
  distribution: string;
  packages: Package[];
}

type Raw = Record<string, unknown>;

function list(value: unknown): Raw[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** SPDX's words for “nobody knows”. */
function stated(value: unknown): string {
  const said = text(value);
  return said === 'NOASSERTION' || said === 'NONE' ? '' : said;
}

function purlOf(raw: Raw): string {
  const found = list(raw.externalRefs).find((one) => one.referenceType === 'purl');
  return text(found?.referenceLocator);
}

function packageOf(raw: Raw, key: number): Package {
  const purl = purlOf(raw);
  return {
    key,
    name: text(raw.name),
    version: text(raw.versionInfo),
    kind: /^pkg:([^/]+)\//.exec(purl)?.[1]?.toLowerCase() ?? '',
    licence:
      stated(raw.licenseDeclared) ||
      stated(raw.licenseConcluded) ||
      text(raw.licenseComments).replace(/^the package states: /, ''),
    purl,
    source: text(raw.sourceInfo).replace(/^named in /, ''),
  };
}

/** The document, as far as tables show it; null if it is none of SPDX 2. */
export function readSbom(document: unknown): Sbom | null {
  const raw = (document ?? {}) as Raw;
  if (!text(raw.spdxVersion).startsWith('SPDX-2') || !Array.isArray(raw.packages)) return null;
  const creation = (raw.creationInfo ?? {}) as Raw;
  const creators = Array.isArray(creation.creators) ? creation.creators.map(text) : [];
  const described = new Set([
    ...(Array.isArray(raw.documentDescribes) ? raw.documentDescribes.map(text) : []),
    ...list(raw.relationships)
      .filter((one) => one.relationshipType === 'DESCRIBES')
      .map((one) => text(one.relatedSpdxElement)),
  ]);
  const rows = list(raw.packages);
  const system = rows.find((one) => one.primaryPackagePurpose === 'OPERATING-SYSTEM');
  const parts = rows.filter((one) => one !== system && !described.has(text(one.SPDXID)));
  return {
    created: text(creation.created),
    tools: creators
      .filter((one) => one.startsWith('Tool: '))
      .map((one) => one.slice('Tool: '.length)),
    distribution: system ? [text(system.name), text(system.versionInfo)].join(' ').trim() : '',
    packages: parts.map(packageOf),
  };
}

export interface Wanted {
  kind?: string;
  /** A part of the name, the version, the licence or the place. */
  find?: string;
}

export function wantedOf(packages: Package[], wanted: Wanted): Package[] {
  const part = (wanted.find ?? '').trim().toLowerCase();
  return packages.filter(
    (one) =>
      (!wanted.kind || one.kind === wanted.kind) &&
      (part === '' ||
        [one.name, one.version, one.licence, one.source].some((value) =>
          value.toLowerCase().includes(part),
        )),
  );
}

/** Documents have a hundred thousand packages: one collator for all of them. */
const ORDER = new Intl.Collator('en', { numeric: true });

/** By `name`, `licence` or `kind`, upside down with a `-`; by name unless told. */
export function sorted(packages: Package[], sort: string | undefined): Package[] {
  const field = sort?.replace(/^-/, '');
  const back = sort?.startsWith('-') ? -1 : 1;
  const names = (a: Package, b: Package) =>
    ORDER.compare(a.name, b.name) || ORDER.compare(a.version, b.version);
  return [...packages].sort((a, b) => {
    if (field === 'licence') return back * ORDER.compare(a.licence, b.licence) || names(a, b);
    if (field === 'kind') return back * ORDER.compare(a.kind, b.kind) || names(a, b);
    return back * names(a, b);
  });
}

/** The kinds that there are, the most frequent first, with how many there are of each. */
export function kindsOf(packages: Package[]): [kind: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { kind } of packages) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || ORDER.compare(a[0], b[0]));
}
