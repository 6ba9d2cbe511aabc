/** The members of a project. */
export const members = {
  title: 'Members',
  about: 'Members see the project; their role says what they may do in it.',
  add: 'Add member',
  added: '{name} is a member now',
  search: 'Find a member',
  role: 'Role',
  roleOf: 'Role of {name}',
  user: 'User',
  group: 'Group',
  remove: 'Remove member',
  removeAbout: '{name} loses the role in this project. What was pushed stays.',
  removed: '{name} is no member any more',
} as const;
