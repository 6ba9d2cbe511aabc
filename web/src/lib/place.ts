/** Where the page is, by its address. */
import { useParams } from '@tanstack/react-router';
import type { RepositoryAt } from '../ui/Links';

type Params = { project?: string; repository?: string; reference?: string; tag?: string };

export function usePlace(): RepositoryAt & { reference: string; tag: string } {
  const found = useParams({ strict: false }) as Params;
  return {
    project: found.project ?? '',
    repository: found.repository ?? '',
    reference: found.reference ?? '',
    tag: found.tag ?? '',
  };
}
