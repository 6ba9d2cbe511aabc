/** The repositories of a project. */
export const repositories = {
  title: 'Repositories',
  search: 'Find a repository',
  artifacts: 'Artifacts',
  pulls: 'Pulls',
  vulnerabilities: 'Newest scanned image',
  none: 'This project is empty',
  noneNext: 'A repository appears with the first push into it:',
  delete: 'Delete repository',
  deleteAbout:
    '{name} and everything in it is deleted. For some days it can be brought back from “Deleted repositories”.',
  deleted: 'Deleted repositories',
  deletedAbout: 'They can be brought back until their time is over.',
  deletedNone: 'Nothing is waiting to be brought back',
  deletedAt: 'Deleted',
  deletedBy: 'By',
  restored: '{name} is back',
  about: 'About',
  aboutEmpty: 'Nobody has written what this repository holds.',
  aboutHint: 'What it holds, and how to use it',
} as const;
