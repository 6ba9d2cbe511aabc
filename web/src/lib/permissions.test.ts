import { describe, expect, it } from 'vitest';
import { chosenOf, preset, rowsOf } from './permissions';

const OFFERED = [
  { resource: 'repository', action: 'pull' },
  { resource: 'tag', action: 'list' },
  { resource: 'repository', action: 'push' },
];

describe('permissions', () => {
  it('are rows by resource', () => {
    expect(rowsOf(OFFERED)).toEqual([
      { resource: 'repository', actions: ['pull', 'push'] },
      { resource: 'tag', actions: ['list'] },
    ]);
  });

  it('of a preset are only what can be given', () => {
    expect([...preset('pull', OFFERED)].sort()).toEqual(['repository:pull', 'tag:list']);
  });

  it('are sent in the order in which they are offered', () => {
    const chosen = new Set(['repository:push', 'repository:pull']);
    expect(chosenOf(OFFERED, chosen).map((one) => one.action)).toEqual(['pull', 'push']);
  });
});
