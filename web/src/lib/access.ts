/** What the user may do, so that pages offer nothing that the server would refuse. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { api, ok } from '../api/client';
import { session } from '../api/session';

export function useSession() {
  return useSyncExternalStore(session.subscribe, session.get);
}

export function useIsAdmin(): boolean {
  const { user } = useSession();
  return !!user && (user.sysadmin_flag || user.admin_role_in_auth);
}

export type Can = (resource: string, action: string) => boolean;

/** What the user may do in a project; nothing until it is known. */
export function useCan(projectId: number | undefined): Can {
  const { user } = useSession();
  const admin = useIsAdmin();
  const { data } = useQuery({
    queryKey: ['permissions', projectId, user?.user_id],
    enabled: !!user && !admin && projectId !== undefined,
    staleTime: 60_000,
    queryFn: () =>
      ok(
        api.GET('/users/current/permissions', {
          params: { query: { scope: `/project/${projectId}`, relative: true } },
        }),
      ),
  });
  return useCallback<Can>(
    (resource, action) =>
      admin ||
      (data ?? []).some(
        (one) =>
          one.resource.replace(/^\/project\/\d+\/?/, '') === resource && one.action === action,
      ),
    [admin, data],
  );
}
