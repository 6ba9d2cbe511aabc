/** One's own account. */
export const profile = {
  title: 'Profile',
  account: 'Account',
  accountAbout: 'Your user name cannot be changed.',
  password: 'Password',
  passwordAbout: 'A new password ends all your other sessions and refresh tokens.',
  change: 'Change password',
  changed: 'Your password is changed',
  client: 'Logging in with a client',
  clientAbout: 'Programs should use a robot account instead of yours.',
  clientCommand: 'Copy login command',
} as const;
