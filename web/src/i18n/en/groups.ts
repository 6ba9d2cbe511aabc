/** Groups of users. */
export const groups = {
  title: 'Groups',
  about: 'A group is a member of projects like a user. Who is in it is for a directory to say.',
  create: 'New group',
  edit: 'Change group',
  search: 'Find a group',
  dn: 'Name in the directory',
  kind1: 'LDAP',
  kind2: 'Proxy',
  kind3: 'OIDC',
  none: 'There is no group',
  noneNext: 'Make one, then give it a role in a project.',
  delete: 'Delete group',
  deleteAbout: '{name} loses its roles in all projects; its users stay.',
} as const;
