import { describe, expect, it } from 'vitest';
import { readVex, saying, statementsOf } from './vex';

const DOCUMENT = {
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://example.org/vex/1',
  statements: [
    {
      vulnerability: { name: 'CVE-2026-1', aliases: ['GHSA-1'] },
      status: 'not_affected',
      justification: 'component_not_present',
      products: [
        { '@id': 'pkg:oci/app', subcomponents: [{ '@id': 'pkg:deb/debian/openssl' }] },
        { hashes: { 'sha-256': 'aa' } },
      ],
    },
    { vulnerability: 'CVE-2026-2', status: 'harmless', products: ['pkg:npm/left-pad'] },
    null,
  ],
};

describe('what a document says', () => {
  it('is read in both versions of the format, and what is wrong stays empty', () => {
    const [first, second, third] = statementsOf(DOCUMENT);
    expect(first).toEqual({
      vulnerability: 'CVE-2026-1',
      aliases: ['GHSA-1'],
      status: 'not_affected',
      why: 'component_not_present',
      products: ['pkg:oci/app (pkg:deb/debian/openssl)', 'sha256:aa'],
    });
    expect(second).toMatchObject({ vulnerability: 'CVE-2026-2', status: '' });
    expect(third).toMatchObject({ vulnerability: '', products: [] });
    expect(statementsOf(null)).toEqual([]);
  });

  it('is found by vulnerabilities, their other names and products', () => {
    const all = statementsOf(DOCUMENT);
    expect(saying(all, 'ghsa').map((one) => one.vulnerability)).toEqual(['CVE-2026-1']);
    expect(saying(all, 'LEFT-PAD').map((one) => one.vulnerability)).toEqual(['CVE-2026-2']);
    expect(saying(all, ' ')).toHaveLength(3);
  });
});

describe('a document', () => {
  it('is taken, or is told why not', () => {
    const read = (value: unknown) => readVex(JSON.stringify(value));
    expect(read(DOCUMENT)).toEqual({ document: DOCUMENT });
    expect(readVex('{')).toEqual({ fault: 'notJson' });
    expect(read([])).toEqual({ fault: 'notVex' });
    expect(read({ ...DOCUMENT, '@context': 'https://spdx.org' })).toEqual({ fault: 'notVex' });
    expect(read({ ...DOCUMENT, '@id': '' })).toEqual({ fault: 'noId' });
    expect(read({ ...DOCUMENT, statements: [] })).toEqual({ fault: 'noStatements' });
  });
});
