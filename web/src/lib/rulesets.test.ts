import { describe, expect, it } from 'vitest';
import { chosenBy, EVERYTHING, scopeOf, selectorsOf } from './rulesets';

describe('rules', () => {
  it('are read as they are written', () => {
    const scope = { ...EVERYTHING, tags: 'v*', repositoriesExcept: true, repositories: 'tmp/**' };
    const rule = { ...selectorsOf(scope, false), template: 'always', params: {} };
    expect(scopeOf(rule as never)).toEqual(scope);
  });

  it('choose what matches, or what does not', () => {
    const choose = (patch: object) => chosenBy({ ...EVERYTHING, ...patch });
    expect(choose({ tags: 'v*' })?.('app', 'v1')).toBe(true);
    expect(choose({ tags: 'v*', tagsExcept: true })?.('app', 'v1')).toBe(false);
    expect(choose({ repositories: 'web' })?.('app', 'v1')).toBe(false);
    expect(choose({ tags: '{' })).toBeNull();
  });
});
