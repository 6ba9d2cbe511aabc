/** The images that an index names, asked for at once. */
import { useQuery } from '@tanstack/react-query';
import { api, page } from '../../api/client';
import { LIVE } from '../../api/queries';
import type { Artifact } from '../../lib/artifacts';
import type { RepositoryAt } from '../../ui/Links';
import { isUnderWay, SCAN_LIVE, type ScanKind } from './scanning';

/** Images of an index that are looked at: so many digests fit into one question. */
const SHOWN = 30;

/** What an index names and something can be said of; attestations have an unknown system. */
export function platformsIn(artifact: Artifact) {
  return (artifact.references ?? [])
    .filter((one) => one.platform?.os !== 'unknown')
    .slice(0, SHOWN);
}

/** In the order of the index, each with how its scan or its SBOM stands. */
export function useImages(at: RepositoryAt, artifact: Artifact, kind: ScanKind) {
  const digests = platformsIn(artifact).map((one) => one.child_digest);
  return useQuery({
    queryKey: ['artifact', at.project, at.repository, artifact.digest, 'platforms', kind],
    refetchInterval: (query) =>
      query.state.data?.some((one) => isUnderWay(one, kind)) ? SCAN_LIVE : LIVE * 2,
    queryFn: async () => {
      const { items } = await page(
        api.GET('/projects/{project_name}/repositories/{repository_name}/artifacts', {
          params: {
            path: { project_name: at.project, repository_name: at.repository },
            query: {
              q: `base=*,digest={${digests.join(' ')}}`,
              page_size: SHOWN,
              ...(kind === 'sbom'
                ? { with_sbom_overview: true, with_accessory: true }
                : { with_scan_overview: true }),
            },
          },
        }),
      );
      return digests
        .map((digest) => items.find((one) => one.digest === digest))
        .filter((one): one is Artifact => one !== undefined);
    },
  });
}
