/** The tags of a project, for previews. */
import { useQuery } from '@tanstack/react-query';
import { api, page } from '../../api/client';
import { shortName } from '../../lib/names';

export interface TagAt {
  repository: string;
  tag: string;
}

/** Enough to see what a rule does; not a list to rely on. */
const PAGES = 3;

export function useTags(project: string) {
  return useQuery({
    queryKey: ['tags', project],
    staleTime: 30_000,
    queryFn: async () => {
      const tags: TagAt[] = [];
      let more = false;
      for (let number = 1; number <= PAGES; number += 1) {
        const next = await page(
          api.GET('/projects/{project_name_or_id}/artifacts', {
            params: {
              path: { project_name_or_id: project },
              query: { page: number, page_size: 100, with_tag: true, sort: '-push_time' },
            },
          }),
        );
        for (const artifact of next.items) {
          const repository = shortName(artifact.repository_name);
          for (const tag of artifact.tags ?? []) tags.push({ repository, tag: tag.name });
        }
        more = next.total > number * 100;
        if (!more) break;
      }
      return { tags, more };
    },
  });
}
