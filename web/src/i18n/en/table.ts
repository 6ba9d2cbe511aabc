/** Lists. */
export const table = {
  first: 'First page',
  previous: 'Previous page',
  next: 'Next page',
  last: 'Last page',
  total: '{count} entry|{count} entries',
  size: 'Entries on a page',
  perPage: '{size} a page',
  chooseAll: 'Choose all on this page',
  choose: 'Choose {name}',
  nothing: 'Nothing matches',
  nothingNext: 'Change or clear the filters above.',
  chosen: '{count} chosen',
} as const;
