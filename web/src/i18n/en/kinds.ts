/** Kinds of artifacts. */
export const kinds = {
  IMAGE: 'Image',
  CHART: 'Helm chart',
  CNAB: 'CNAB bundle',
  WASM: 'WebAssembly',
  SBOM: 'SBOM',
  UNKNOWN: 'Other',
} as const;
