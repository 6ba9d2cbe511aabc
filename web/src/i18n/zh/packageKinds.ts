import type { packageKinds as english } from '../en/packageKinds';
import type { Translated } from '../translate';

export const packageKinds: Translated<typeof english> = {
  apk: 'apk',
  cargo: 'Rust',
  composer: 'PHP',
  deb: 'deb',
  gem: 'Ruby',
  generic: '其他',
  golang: 'Go',
  maven: 'Java',
  npm: 'npm',
  nuget: '.NET',
  pypi: 'Python',
  rpm: 'rpm',
};
