import type { kinds as english } from '../en/kinds';
import type { Translated } from '../translate';

export const kinds: Translated<typeof english> = {
  IMAGE: '镜像',
  CHART: 'Helm Chart',
  CNAB: 'CNAB 包',
  WASM: 'WebAssembly',
  SBOM: 'SBOM',
  UNKNOWN: '其他',
};
