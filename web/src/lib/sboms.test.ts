import { describe, expect, it } from 'vitest';
import type { Artifact } from './artifacts';
import { hasSbom, kindsOf, readSbom, sorted, wantedOf } from './sboms';

const nothing = { licenseConcluded: 'NOASSERTION', licenseDeclared: 'NOASSERTION' };
const purl = (referenceLocator: string) => ({
  externalRefs: [
    { referenceCategory: 'SECURITY', referenceType: 'cpe23Type', referenceLocator: 'cpe:2.3:a:x' },
    { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator },
  ],
});
const document = {
  spdxVersion: 'SPDX-2.3',
  creationInfo: { created: '2026-01-02T03:04:05Z', creators: ['Organization: x', 'Tool: berth-1'] },
  documentDescribes: ['SPDXRef-Image'],
  packages: [
    { SPDXID: 'SPDXRef-Image', name: 'team/app', primaryPackagePurpose: 'CONTAINER', ...nothing },
    {
      SPDXID: 'SPDXRef-OperatingSystem',
      name: 'debian',
      versionInfo: '12',
      primaryPackagePurpose: 'OPERATING-SYSTEM',
      ...nothing,
    },
    {
      SPDXID: 'SPDXRef-Package-1',
      name: 'zlib1g',
      versionInfo: '1.2-1',
      sourceInfo: 'named in var/lib/dpkg/status',
      ...nothing,
      ...purl('pkg:deb/debian/zlib1g@1.2-1?arch=amd64'),
    },
    {
      SPDXID: 'SPDXRef-Package-2',
      name: 'six',
      versionInfo: '1.16.0',
      licenseComments: 'the package states: MIT',
      ...nothing,
      ...purl('pkg:pypi/six@1.16.0'),
    },
    { SPDXID: 'SPDXRef-Package-3', name: 'own', licenseDeclared: 'Apache-2.0' },
  ],
};

describe('readSbom', () => {
  it('has the packages, without the image and its system', () => {
    const read = readSbom(document);
    expect(read).toMatchObject({
      created: '2026-01-02T03:04:05Z',
      tools: ['berth-1'],
      distribution: 'debian 12',
    });
    expect(
      read?.packages.map(({ name, kind, licence, source }) => [name, kind, licence, source]),
    ).toEqual([
      ['zlib1g', 'deb', '', 'var/lib/dpkg/status'],
      ['six', 'pypi', 'MIT', ''],
      ['own', '', 'Apache-2.0', ''],
    ]);
  });

  it('knows the image by the relationship too', () => {
    const { documentDescribes, ...other } = document;
    const relationships = [
      {
        spdxElementId: 'SPDXRef-DOCUMENT',
        relationshipType: 'DESCRIBES',
        relatedSpdxElement: documentDescribes[0],
      },
    ];
    expect(readSbom({ ...other, relationships })?.packages).toHaveLength(3);
  });

  it.each([null, [], {}, { spdxVersion: 'SPDX-2.3' }, { bomFormat: 'CycloneDX' }, 'text'])(
    'takes nothing else: %j',
    (value) => expect(readSbom(value)).toBeNull(),
  );

  it('stands what somebody wrote by hand', () => {
    const odd = { spdxVersion: 'SPDX-2.2', packages: [null, 3, {}, { name: 5, externalRefs: {} }] };
    expect(readSbom(odd)?.packages.map(({ name }) => name)).toEqual(['', '']);
  });
});

describe('packages', () => {
  const packages = readSbom(document)?.packages ?? [];
  const names = (rows: typeof packages) => rows.map(({ name }) => name);

  it('are found by name, licence and place, and by kind', () => {
    expect(names(wantedOf(packages, { find: 'MIT' }))).toEqual(['six']);
    expect(names(wantedOf(packages, { find: 'dpkg' }))).toEqual(['zlib1g']);
    expect(names(wantedOf(packages, { find: ' Z', kind: 'pypi' }))).toEqual([]);
    expect(names(wantedOf(packages, { kind: 'deb' }))).toEqual(['zlib1g']);
  });

  it('are ordered', () => {
    expect(names(sorted(packages, undefined))).toEqual(['own', 'six', 'zlib1g']);
    expect(names(sorted(packages, '-name'))).toEqual(['zlib1g', 'six', 'own']);
    expect(names(sorted(packages, 'licence'))).toEqual(['zlib1g', 'own', 'six']);
    expect(names(sorted(packages, '-kind'))).toEqual(['six', 'zlib1g', 'own']);
  });

  it('are counted by kind', () => {
    expect(kindsOf([...packages, ...packages.slice(0, 1)])).toEqual([
      ['deb', 2],
      ['', 1],
      ['pypi', 1],
    ]);
  });
});

describe('hasSbom', () => {
  const image = { type: 'IMAGE' } as Artifact;
  it('is so for one made here, one that came along, and one itself', () => {
    expect(hasSbom(image)).toBe(false);
    const overview = { scan_status: 'Success' } as Artifact['sbom_overview'];
    expect(hasSbom({ ...image, sbom_overview: overview })).toBe(false);
    expect(
      hasSbom({ ...image, sbom_overview: { ...overview, sbom_digest: 'sha256:a' } as never }),
    ).toBe(true);
    expect(hasSbom({ ...image, accessories: [{ type: 'sbom.harbor' }] as never })).toBe(true);
    expect(hasSbom({ ...image, accessories: [{ type: 'signature.cosign' }] as never })).toBe(false);
    expect(hasSbom({ ...image, type: 'SBOM' })).toBe(true);
  });
});
