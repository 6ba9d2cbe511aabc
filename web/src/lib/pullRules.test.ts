import { describe, expect, it } from 'vitest';
import { failureOf } from '../api/errors';
import { faultOf, joined, readLimits, writeLimits } from './pullRules';

describe('limits', () => {
  it('are read and written as the server has them', () => {
    expect(readLimits('critical=0,high=5')).toEqual({ critical: 0, high: 5 });
    expect(writeLimits({ exploited: 0, critical: 0, high: undefined })).toBe(
      'critical=0,exploited=0',
    );
    expect(writeLimits({})).toBe('');
  });

  it('that nobody knows are left out', () => {
    expect(readLimits('grave=1, low = 3,high=')).toEqual({ low: 3 });
    expect(readLimits('')).toEqual({});
    expect(readLimits(undefined)).toEqual({});
  });
});

describe('joined', () => {
  it.each([
    ['', 'exploited == 0', 'exploited == 0'],
    ['critical == 0', 'exploited == 0', 'critical == 0 && exploited == 0'],
    ['a || b', 'exploited == 0', '(a || b) && exploited == 0'],
    ['a', 'b || c', 'a && (b || c)'],
    ['a && (b || c)', 'b || c', 'a && (b || c)'],
    ['b || c', 'b || c', 'b || c'],
    ['a ? b : c', 'd', '(a ? b : c) && d'],
  ])('%s with %s', (rule, example, whole) => {
    expect(joined(rule, example)).toBe(whole);
  });
});

describe('faultOf', () => {
  const refused = (detail?: object) =>
    failureOf(400, { errors: [{ code: 'BAD_REQUEST', message: 'no', detail }] }, null);

  it('finds the field and what is wrong with it', () => {
    const detail = { reason: 'rule_deep', field: 'pull_rule', line: '1', column: '2' };
    expect(faultOf(refused(detail))).toEqual({
      field: 'pull_rule',
      said: 'no',
      reason: { name: 'rule_deep', values: { field: 'pull_rule', line: '1', column: '2' } },
    });
  });

  it('says nothing of other failures', () => {
    expect(faultOf(refused())).toBeNull();
    expect(faultOf(refused({ field: 'pull_rule' }))).toBeNull();
    expect(faultOf(refused({ reason: 'rule_deep', field: 'severity' }))).toBeNull();
  });
});
