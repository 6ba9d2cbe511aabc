/** Rules about tags, of retention and of immutability: reading them and writing them. */
import type { Schemas } from '../api/client';
import { matcher } from './patterns';

type ImmutableRule = Schemas['ImmutableRule'];
type RetentionRule = Schemas['RetentionRule'];

/** What both kinds of rules say of names. */
export interface Scope {
  repositories: string;
  repositoriesExcept: boolean;
  tags: string;
  tagsExcept: boolean;
}

export const EVERYTHING: Scope = {
  repositories: '**',
  repositoriesExcept: false,
  tags: '**',
  tagsExcept: false,
};

export function scopeOf(rule: ImmutableRule | RetentionRule): Scope {
  const repository = rule.scope_selectors.repository?.[0];
  const tag = rule.tag_selectors[0];
  return {
    repositories: repository?.pattern ?? '**',
    repositoriesExcept: repository?.decoration === 'repoExcludes',
    tags: tag?.pattern ?? '**',
    tagsExcept: tag?.decoration === 'excludes',
  };
}

export function selectorsOf(scope: Scope, untagged?: boolean) {
  return {
    tag_selectors: [
      {
        kind: 'doublestar',
        decoration: scope.tagsExcept ? 'excludes' : 'matches',
        pattern: scope.tags,
        extras: untagged === undefined ? '' : JSON.stringify({ untagged }),
      },
    ],
    scope_selectors: {
      repository: [
        {
          kind: 'doublestar',
          decoration: scope.repositoriesExcept ? 'repoExcludes' : 'repoMatches',
          pattern: scope.repositories,
          extras: '',
        },
      ],
    },
  };
}

/** Whether a rule also speaks of artifacts without a tag; unsaid, it does. */
export function untaggedOf(rule: RetentionRule): boolean {
  try {
    return JSON.parse(rule.tag_selectors[0]?.extras || '{}').untagged !== false;
  } catch {
    return true;
  }
}

/** The tags that a scope chooses; none if a pattern cannot be read. */
export function chosenBy(scope: Scope): ((repository: string, tag: string) => boolean) | null {
  const repositories = matcher(scope.repositories);
  const tags = matcher(scope.tags);
  if (!repositories || !tags) return null;
  return (repository, tag) =>
    repositories(repository) !== scope.repositoriesExcept && tags(tag) !== scope.tagsExcept;
}

/** The number that a template of retention takes, under the template's own name. */
export function numberOf(rule: RetentionRule): number | null {
  const value = (rule.params as Record<string, unknown> | null)?.[rule.template];
  return typeof value === 'number' ? value : null;
}
