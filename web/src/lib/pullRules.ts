/** What a project lets be pulled: limits of vulnerabilities, and a rule in CEL, as its metadata say them. */

import type { ApiFailure, Reason } from '../api/errors';

/** What is counted, in the order in which limits are written. */
export const COUNTS = [
  'critical',
  'high',
  'medium',
  'low',
  'negligible',
  'unknown',
  'total',
  'fixable',
  'exploited',
] as const;
export type Count = (typeof COUNTS)[number];

/** The highest limit that there may be. */
export const HIGHEST = 1_000_000;

/** What is left out is not limited. */
export type Limits = Partial<Record<Count, number>>;

/** Reads limits such as `critical=0,high=5`. */
export function readLimits(text: string | undefined): Limits {
  const limits: Limits = {};
  for (const part of (text ?? '').split(',')) {
    const [name, most] = part.split('=').map((word) => word.trim());
    const count = COUNTS.find((one) => one === name);
    if (count && /^\d+$/.test(most ?? '')) limits[count] = Number(most);
  }
  return limits;
}

export function writeLimits(limits: Limits): string {
  return COUNTS.filter((name) => limits[name] !== undefined)
    .map((name) => `${name}=${limits[name]}`)
    .join(',');
}

/** What a rule can ask for, with its type in CEL; the counts are ints too. */
export const VARIABLES = [
  ['severity', 'string'],
  ['scanned', 'bool'],
  ['scan_age_days', 'int'],
  ['age_days', 'int'],
  ['repository', 'string'],
  ['digest', 'string'],
  ['tags', 'list(string)'],
  ['signed', 'bool'],
  ['distribution', 'string'],
] as const;

/** Rules to begin with; the texts of `pullExamples` say what they mean. */
export const EXAMPLES = [
  ['exploited', 'exploited == 0'],
  ['young', "age_days < 30 || 'lts' in tags"],
  ['signed', 'signed && scan_age_days <= 7'],
] as const;

/** A rule that asks for the example too: `||` and `?` bind less than `&&`. */
export function joined(rule: string, example: string): string {
  const before = rule.trim();
  if (before === '') return example;
  const enclosed = (part: string) => (/\|\||\?/.test(part) ? `(${part})` : part);
  const added = enclosed(example);
  if (before === example || before.includes(added)) return rule;
  return `${enclosed(before)} && ${added}`;
}

export type RuleName = 'vulnerability_limits' | 'pull_rule';

export interface Fault {
  field: RuleName;
  /** The server's words. */
  said: string;
  reason: Reason | null;
}

/** Which of the two fields the server refused, and why. */
export function faultOf({ reason, message }: ApiFailure): Fault | null {
  const field = reason?.values.field;
  if (field !== 'vulnerability_limits' && field !== 'pull_rule') return null;
  return { field, said: message, reason };
}
