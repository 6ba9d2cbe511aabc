/** Questions that several pages ask. */
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { api, ok } from './client';

/** How often lists look for what others did, so that a push shows without a reload. */
export const LIVE = 4_000;

export const kept = { placeholderData: keepPreviousData } as const;

export function useSystemInfo() {
  return useQuery({
    queryKey: ['systeminfo'],
    staleTime: 60_000,
    queryFn: () => ok(api.GET('/systeminfo')),
  });
}

export const projectQuery = (name: string) =>
  queryOptions({
    queryKey: ['project', name],
    queryFn: () =>
      ok(
        api.GET('/projects/{project_name_or_id}', {
          params: { path: { project_name_or_id: name } },
        }),
      ),
  });

export function useProject(name: string) {
  return useQuery(projectQuery(name));
}
