/**
 * Images made on the spot, and pushed: by Docker as people push (by Skopeo where there is no engine),
 * or straight for seeds.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ADMIN, type Server } from './server';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: object;
}

interface Image {
  blobs: Map<string, Buffer>;
  manifest: Buffer;
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A file as tar archives hold it. */
function entry(name: string, content: Buffer): Buffer {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write('0000644\0', 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write('0', 156);
  head.write('ustar\x0000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([head, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

function tar(files: Record<string, string>): Buffer {
  const entries = Object.entries(files).map(([name, text]) => entry(name, Buffer.from(text)));
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

/** What every image is made on: a Debian of these packages, and one of Python. */
const BASE = {
  'usr/local/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA':
    'Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\nLicense: MIT\n\n',
  'etc/os-release': 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
  'var/lib/dpkg/status': ['openssl', 'zlib1g', 'bash', 'tar']
    .map((name) =>
      [
        `Package: ${name}`,
        'Status: install ok installed',
        'Architecture: amd64',
        'Version: 1.0-1',
        '\n',
      ].join('\n'),
    )
    .join(''),
};

export function image(text: string, architecture = 'amd64'): Image {
  const blobs = new Map<string, Buffer>();
  const keep = (bytes: Buffer, mediaType: string): Descriptor => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const own = { [`${text.replaceAll(/\W/g, '')}.txt`]: text.repeat(200) };
  const layers = [BASE, own].map((files) => {
    const archive = tar(files);
    return { archive, bytes: gzipSync(archive) };
  });
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
      config: { Env: ['PATH=/bin'], Cmd: ['/app'], Labels: { version: text } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ archive }) => digestOf(archive)) },
      history: [
        { created: '2026-01-01T00:00:00Z', created_by: 'ADD base.tar /' },
        { created: '2026-01-01T00:00:00Z', created_by: `COPY ${text} /app` },
        { created: '2026-01-01T00:00:00Z', created_by: 'CMD ["/app"]', empty_layer: true },
      ],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: keep(config, 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map(({ bytes }) => keep(bytes, 'application/vnd.oci.image.layer.v1.tar+gzip')),
      annotations: { 'org.opencontainers.image.source': 'https://example.com/app' },
    }),
  );
  return { blobs, manifest };
}

/** Pushes with Skopeo, from a folder in the OCI layout. */
export function pushAsPeopleDo(server: Server, repository: string, tag: string, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-image-'));
  try {
    const made = image(text);
    const store = join(folder, 'blobs/sha256');
    mkdirSync(store, { recursive: true });
    const digest = digestOf(made.manifest);
    for (const [name, bytes] of [...made.blobs, [digest, made.manifest] as const]) {
      writeFileSync(join(store, name.slice('sha256:'.length)), bytes);
    }
    const only = { mediaType: MANIFEST, digest, size: made.manifest.length };
    writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(
      join(folder, 'index.json'),
      JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [only] }),
    );
    const name = `${server.host}/${repository}:${tag}`;
    if (process.env.DOCKER_HOST) pushWithDocker(server, folder, name);
    else {
      execFileSync('skopeo', [
        '--insecure-policy',
        'copy',
        '--dest-tls-verify=false',
        `--dest-creds=${ADMIN.name}:${ADMIN.password}`,
        `oci:${folder}`,
        `docker://${name}`,
      ]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Loads the image of a folder into the engine, logs in and pushes it under this name. */
function pushWithDocker(server: Server, folder: string, name: string) {
  const archive = join(folder, 'image.tar');
  const copy = ['copy', `oci:${folder}`, `docker-archive:${archive}:${name}`];
  execFileSync('skopeo', ['--insecure-policy', ...copy]);
  // A login of its own, so that nobody else's is touched.
  const docker = (args: string[], input?: string) =>
    execFileSync('docker', ['--config', join(folder, 'docker'), ...args], {
      input,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
  docker(['load', '-i', archive]);
  docker(['login', '-u', ADMIN.name, '--password-stdin', server.host], ADMIN.password);
  docker(['push', name]);
  docker(['rmi', name]);
}

const LOGIN = `Basic ${Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64')}`;

async function put(url: string, method: string, body: Buffer, kind: string): Promise<void> {
  const response = await fetch(url, {
    method,
    headers: { authorization: LOGIN, 'content-type': kind },
    body: new Uint8Array(body),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`);
}

async function pushBlobs(server: Server, repository: string, blobs: Map<string, Buffer>) {
  for (const [digest, bytes] of blobs) {
    const url = `${server.url}/v2/${repository}/blobs/uploads/?digest=${digest}`;
    await put(url, 'POST', bytes, 'application/octet-stream');
  }
}

/** Pushes an image straight; the answer names its manifest. */
export async function push(
  server: Server,
  repository: string,
  tag: string | null,
  text: string,
  architecture?: string,
): Promise<Descriptor> {
  const { blobs, manifest } = image(text, architecture);
  await pushBlobs(server, repository, blobs);
  const digest = digestOf(manifest);
  const url = `${server.url}/v2/${repository}/manifests/${tag ?? digest}`;
  await put(url, 'PUT', manifest, MANIFEST);
  return { mediaType: MANIFEST, digest, size: manifest.length };
}

/** An index of images for two platforms. */
export async function pushIndex(server: Server, repository: string, tag: string, text: string) {
  const manifests: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const one = await push(server, repository, null, `${text}${architecture}`, architecture);
    manifests.push({ ...one, platform: { os: 'linux', architecture } });
  }
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  await put(`${server.url}/v2/${repository}/manifests/${tag}`, 'PUT', index, INDEX);
}

interface Attached {
  type: string;
  mediaType: string;
  content: string;
}

const SIMPLE: Attached = {
  type: 'application/spdx+json',
  mediaType: 'text/plain',
  content: 'an SBOM',
};

/** Something that belongs to an image, such as a signature. */
export async function attach(
  server: Server,
  repository: string,
  subject: Descriptor,
  attached = SIMPLE,
) {
  const empty = Buffer.from('{}');
  const content = Buffer.from(attached.content);
  const blobs = new Map([empty, content].map((bytes) => [digestOf(bytes), bytes]));
  await pushBlobs(server, repository, blobs);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: attached.type,
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: digestOf(empty),
        size: empty.length,
      },
      layers: [{ mediaType: attached.mediaType, digest: digestOf(content), size: content.length }],
      subject,
    }),
  );
  const url = `${server.url}/v2/${repository}/manifests/${digestOf(manifest)}`;
  await put(url, 'PUT', manifest, MANIFEST);
}
