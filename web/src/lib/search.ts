/** Everything that can be searched for from anywhere, asked for at once. */
import { useQuery } from '@tanstack/react-query';
import { api, ok, type Schemas } from '../api/client';

export interface Found {
  projects: Schemas['Project'][];
  repositories: Schemas['SearchRepository'][];
  artifacts: Schemas['FoundArtifact'][];
  vulnerabilities: Schemas['FoundVulnerability'][];
}

/** Whether the words can be the id of a vulnerability: other words need not be asked for. */
export function isVulnerability(words: string): boolean {
  return /^[a-z]+(-[a-z0-9:.]+)+$/i.test(words.trim());
}

export function useSearch(words: string) {
  const q = words.trim();
  return useQuery({
    queryKey: ['search', q],
    enabled: q !== '',
    queryFn: async (): Promise<Found> => {
      const params = { params: { query: { q } } };
      const [named, artifacts, vulnerabilities] = await Promise.all([
        ok(api.GET('/search', params)),
        ok(api.GET('/search/artifacts', params)),
        isVulnerability(q) ? ok(api.GET('/search/vulnerabilities', params)) : [],
      ]);
      return {
        projects: named.project,
        repositories: named.repository,
        artifacts,
        vulnerabilities,
      };
    },
  });
}

export function countOf(found: Found | undefined): number {
  if (!found) return 0;
  const { projects, repositories, artifacts, vulnerabilities } = found;
  return projects.length + repositories.length + artifacts.length + vulnerabilities.length;
}
