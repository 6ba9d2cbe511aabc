/** Lines with which a client fetches an artifact, by what the artifact is. */

export interface Command {
  client: string;
  line: string;
}

interface Asked {
  /** `IMAGE`, `CHART` or another kind in the API's words. */
  kind: string;
  host: string;
  /** With the project. */
  repository: string;
  /** A tag; without one the digest is used. */
  tag: string | null;
  digest: string;
}

export function pullCommands({ kind, host, repository, tag, digest }: Asked): Command[] {
  const at = `${host}/${repository}`;
  const place = tag ? `${at}:${tag}` : `${at}@${digest}`;
  if (kind === 'CHART') {
    const version = tag ?? digest;
    return [
      { client: 'helm', line: `helm pull oci://${at} --version ${version}` },
      { client: 'oras', line: `oras pull ${place}` },
    ];
  }
  if (kind === 'IMAGE') {
    return [
      { client: 'docker', line: `docker pull ${place}` },
      { client: 'podman', line: `podman pull ${place}` },
      { client: 'skopeo', line: `skopeo copy docker://${place} dir:./image` },
    ];
  }
  return [
    { client: 'oras', line: `oras pull ${place}` },
    { client: 'crane', line: `crane manifest ${place}` },
  ];
}
