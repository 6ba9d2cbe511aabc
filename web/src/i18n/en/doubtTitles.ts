/** Habits that are doubtful, by their rule: what the server says of them by itself. */
export const doubtTitles = {
  'CIS-DI-0001': 'Runs as root',
  'CIS-DI-0006': 'No health check',
  'CIS-DI-0007': 'apt-get update on its own',
  'CIS-DI-0009': 'ADD where COPY does',
  'DKL-DI-0001': 'sudo in a build',
  'DKL-DI-0002': 'Volume over a system directory',
  'DKL-DI-0003': 'apt-get dist-upgrade',
  'DKL-DI-0004': 'apk keeps its cache',
  'DKL-DI-0005': 'Package lists are left behind',
  'DKL-DI-0006': 'Tag latest',
  'DS-0004': 'Port of SSH is exposed',
  'DS-0021': 'apt-get asks',
  'DS-0029': 'Recommended packages are installed',
} as const;
