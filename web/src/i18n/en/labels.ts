/** Labels. */
export const labels = {
  title: 'Labels',
  label: 'Label',
  about: 'Words to put on artifacts of this project, to find them by.',
  aboutSystem: 'Words that every project can put on its artifacts.',
  create: 'New label',
  edit: 'Change label',
  color: 'Colour',
  pick: 'Pick a colour from the screen',
  search: 'Find a label',
  none: 'There is no label',
  noneNext: 'Make one, then put it on artifacts in their repository.',
  delete: 'Delete label',
  deleteAbout: '{name} is taken off everything that bears it.',
} as const;
