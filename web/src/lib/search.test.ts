import { expect, test } from 'vitest';
import { countOf, isVulnerability } from './search';

test('ids of vulnerabilities are told from other words', () => {
  for (const id of ['CVE-2026-1234', 'cve-2026-1', 'GHSA-ab12-cd34-ef56', 'RUSTSEC-2026-0001']) {
    expect(isVulnerability(id), id).toBe(true);
  }
  for (const word of ['', 'app', 'v1.0', 'sha256:12ab', 'a/b-c', 'CVE-']) {
    expect(isVulnerability(word), word).toBe(false);
  }
});

test('nothing found is nothing', () => {
  expect(countOf(undefined)).toBe(0);
});
