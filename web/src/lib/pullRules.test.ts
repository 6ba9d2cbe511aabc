import { describe, expect, it } from 'vitest';
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
  it('finds the field and what is wrong with it', () => {
    const rule =
      'project metadata pull_rule must be a rule in CEL such as "critical == 0 && age_days < 30", or nothing: line 1, column 12: a value is missing';
    expect(faultOf(rule)).toEqual({
      field: 'pull_rule',
      text: 'line 1, column 12: a value is missing',
    });
    const limits =
      'project metadata vulnerability_limits must be limits such as "critical=0,high=5", or nothing: critical=x is no limit: 0 to 1000000 are';
    expect(faultOf(limits)).toEqual({
      field: 'vulnerability_limits',
      text: 'critical=x is no limit: 0 to 1000000 are',
    });
  });

  it('says all of what gives no reason, and nothing of other failures', () => {
    const bare =
      'project metadata pull_rule must be a rule in CEL such as "critical == 0 && age_days < 30", or nothing';
    expect(faultOf(bare)?.text).toBe(bare);
    expect(faultOf('project metadata severity must be "none" or "low"')).toBeNull();
  });
});
