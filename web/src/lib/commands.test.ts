import { describe, expect, it } from 'vitest';
import { pullCommands } from './commands';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const asked = { host: 'reg.example.com', repository: 'team/app', digest: DIGEST };

describe('pullCommands', () => {
  it('pulls an image by its tag with each client', () => {
    const lines = pullCommands({ ...asked, kind: 'IMAGE', tag: '1.0' });
    expect(lines.map((one) => one.client)).toEqual(['docker', 'podman', 'skopeo']);
    expect(lines[0]?.line).toBe('docker pull reg.example.com/team/app:1.0');
  });

  it('pulls what has no tag by its digest', () => {
    const [first] = pullCommands({ ...asked, kind: 'IMAGE', tag: null });
    expect(first?.line).toBe(`docker pull reg.example.com/team/app@${DIGEST}`);
  });

  it('pulls a chart with Helm, and other things with ORAS', () => {
    const [chart] = pullCommands({ ...asked, kind: 'CHART', tag: '0.1.0' });
    expect(chart?.line).toBe('helm pull oci://reg.example.com/team/app --version 0.1.0');
    expect(pullCommands({ ...asked, kind: 'WASM', tag: '1' })[0]?.client).toBe('oras');
  });
});
