/** Choosing permissions: what can be given, grouped by resource, and what was chosen. */
import type { Schemas } from '../api/client';

export interface Pair {
  resource: string;
  action: string;
}

/** The API marks neither; a robot's access may carry an effect that means nothing here. */
export function pairOf(one: Schemas['Access'] | Schemas['Permission']): Pair {
  return { resource: one.resource, action: one.action };
}

export function keyOf({ resource, action }: Pair): string {
  return `${resource}:${action}`;
}

export interface Row {
  resource: string;
  actions: string[];
}

/** The pairs as rows of a matrix, in the order in which resources first appear. */
export function rowsOf(pairs: Pair[]): Row[] {
  const rows = new Map<string, string[]>();
  for (const { resource, action } of pairs) {
    const actions = rows.get(resource) ?? [];
    if (!actions.includes(action)) actions.push(action);
    rows.set(resource, actions);
  }
  return [...rows].map(([resource, actions]) => ({ resource, actions }));
}

/** What most robots are made for. */
export const PRESETS: Record<'pull' | 'push', Pair[]> = {
  pull: [
    { resource: 'repository', action: 'pull' },
    { resource: 'repository', action: 'list' },
    { resource: 'artifact', action: 'list' },
    { resource: 'artifact', action: 'read' },
    { resource: 'tag', action: 'list' },
  ],
  push: [
    { resource: 'repository', action: 'pull' },
    { resource: 'repository', action: 'push' },
    { resource: 'repository', action: 'list' },
    { resource: 'artifact', action: 'list' },
    { resource: 'artifact', action: 'read' },
    { resource: 'tag', action: 'create' },
    { resource: 'tag', action: 'list' },
  ],
};

/** A preset, without what cannot be given. */
export function preset(name: 'pull' | 'push', offered: Pair[]): Set<string> {
  const known = new Set(offered.map(keyOf));
  return new Set(PRESETS[name].map(keyOf).filter((key) => known.has(key)));
}

export function chosenOf(offered: Pair[], chosen: ReadonlySet<string>): Pair[] {
  return offered.filter((pair) => chosen.has(keyOf(pair)));
}
