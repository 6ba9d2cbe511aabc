/** Whose packages: types of package URLs. */
export const packageKinds = {
  apk: 'apk',
  cargo: 'Rust',
  composer: 'PHP',
  deb: 'deb',
  gem: 'Ruby',
  generic: 'Other',
  golang: 'Go',
  maven: 'Java',
  npm: 'npm',
  nuget: '.NET',
  pypi: 'Python',
  rpm: 'rpm',
} as const;
