/** Logging in. */
export const login = {
  name: 'User name or e-mail',
  password: 'Password',
  show: 'Show or hide the password',
  submit: 'Log in',
  first: 'First start? The user is “admin”; its password was printed once when the server started.',
  browse: 'Browse public projects',
  register: 'Create an account',
  registered: 'Your account is ready: log in with it.',
  over: 'Your session is over',
  overNext: 'Log in again as {name}, and this page goes on where it was.',
  leave: 'Log out',
  goOn: 'Go on',
} as const;
