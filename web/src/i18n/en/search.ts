/** Search from anywhere. */
export const search = {
  open: 'Search',
  title: 'Search projects and repositories',
  hint: 'A part of a name',
  none: 'Nothing is called like “{words}”',
  projects: 'Projects',
  repositories: 'Repositories',
  keys: 'Arrow keys move, Enter opens, Esc closes.',
  results: 'Found for “{words}”',
} as const;
