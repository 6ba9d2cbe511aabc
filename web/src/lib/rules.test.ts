import { describe, expect, it } from 'vitest';
import { isCron, isPassword, isProjectName } from './rules';

describe('isPassword', () => {
  it.each([
    ['Choose-1-yourself', true],
    ['Short1a', false],
    ['nouppercase1', false],
    ['NOLOWERCASE1', false],
    ['NoDigitsHere', false],
    [`A1${'a'.repeat(127)}`, false],
  ])('%s: %s', (value, right) => {
    expect(isPassword(value)).toBe(right);
  });
});

describe('isProjectName', () => {
  it.each([
    ['team', true],
    ['team-1.x_y', true],
    ['a__b', true],
    ['Team', false],
    ['-team', false],
    ['team-', false],
    ['a..b', false],
    ['a/b', false],
    ['', false],
  ])('%s: %s', (value, right) => {
    expect(isProjectName(value)).toBe(right);
  });
});

describe('isCron', () => {
  it('asks for six fields', () => {
    expect(isCron('0 0 3 * * *')).toBe(true);
    expect(isCron('0 3 * * *')).toBe(false);
  });
});
