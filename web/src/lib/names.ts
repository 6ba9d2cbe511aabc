/** Names of repositories: with the project in front, as the API has them, and without. */

/** `library/team/app` without its project: `team/app`. */
export function shortName(repository: string): string {
  return repository.slice(repository.indexOf('/') + 1);
}

export function projectOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/'));
}
