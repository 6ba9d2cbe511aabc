import { describe, expect, it } from 'vitest';
import { matcher } from './patterns';

describe('matcher', () => {
  it.each([
    ['*', 'app', true],
    ['*', 'team/app', false],
    ['**', 'team/app', true],
    ['**/app', 'app', true],
    ['**/app', 'a/b/app', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'b', false],
    ['v?', 'v1', true],
    ['v?', 'v10', false],
    ['[a-c]1', 'b1', true],
    ['[^a-c]1', 'b1', false],
    ['{v*,release-*}', 'release-1', true],
    ['{v*,release-*}', 'main', false],
    ['v{1,2{0,1}}', 'v21', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['1.0', '1x0', false],
    ['', 'anything', true],
  ])('%s and %s: %s', (pattern, name, matches) => {
    expect(matcher(pattern)?.(name)).toBe(matches);
  });

  it('says so when a pattern cannot be read', () => {
    expect(matcher('{a')).toBeNull();
    expect(matcher('[a')).toBeNull();
  });
});
