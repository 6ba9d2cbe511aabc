/** Search from anywhere. */
export const search = {
  open: 'Search',
  title: 'Search projects, repositories, tags and vulnerabilities',
  hint: 'A part of a name, a tag, sha256:…, CVE-…',
  none: 'Nothing is called like “{words}”',
  noneNext:
    'Names are found by any part, tags and digests by their beginning, vulnerabilities by their id.',
  count: 'Found: {count}',
  projects: 'Projects',
  repositories: 'Repositories',
  artifacts: 'Tags and digests',
  artifactsAbout: 'Artifacts of which a tag or the digest begins so; at most twenty.',
  vulnerabilities: 'Images with this vulnerability',
  vulnerabilitiesAbout: 'Of those that were scanned; at most twenty.',
  keys: 'Arrow keys move, Enter opens, Esc closes.',
  results: 'Found for “{words}”',
} as const;
