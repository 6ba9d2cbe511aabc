/** Parts of the server. */
export const parts = {
  core: 'API',
  database: 'Database',
  registry: 'Registry',
  storage: 'Storage',
  jobservice: 'Jobs',
  portal: 'Portal',
  redis: 'Redis',
  registryctl: 'Registry control',
  trivy: 'Scanner',
} as const;
