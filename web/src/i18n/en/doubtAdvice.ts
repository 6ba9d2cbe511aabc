/** What to do about doubtful habits, by their rule. */
export const doubtAdvice = {
  'CIS-DI-0001': 'set USER to an account without privileges',
  'CIS-DI-0006': 'add HEALTHCHECK, unless whoever runs it checks it otherwise',
  'CIS-DI-0007': 'update and install in one step: a cached update installs old packages',
  'CIS-DI-0009': 'use COPY: ADD fetches and unpacks without being asked',
  'DKL-DI-0001': 'run the step as the right user by USER',
  'DKL-DI-0002': 'do not make /dev, /proc or /sys a volume',
  'DKL-DI-0003': 'take a newer base image',
  'DKL-DI-0004': 'add with --no-cache',
  'DKL-DI-0005': 'remove /var/lib/apt/lists in the same step',
  'DKL-DI-0006':
    'give images tags that say what they are, so that they can be told apart and rolled back',
  'DS-0004': 'enter containers by the runtime, not by SSH',
  'DS-0021': 'install with -y: nobody answers while building',
  'DS-0029': 'install with --no-install-recommends',
} as const;
