/** The roles of projects and their ids in the API. */

export const ROLES = [
  { id: 1, name: 'projectAdmin' },
  { id: 4, name: 'maintainer' },
  { id: 2, name: 'developer' },
  { id: 3, name: 'guest' },
  { id: 5, name: 'limitedGuest' },
] as const;

export function roleName(id: number | null | undefined): string | null {
  return ROLES.find((role) => role.id === id)?.name ?? null;
}
