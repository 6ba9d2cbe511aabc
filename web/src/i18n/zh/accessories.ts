import type { accessories as english } from '../en/accessories';
import type { Translated } from '../translate';

export const accessories: Translated<typeof english> = {
  'signature.cosign': 'Cosign 签名',
  'signature.notation': 'Notation 签名',
  'subject.accessory': '附件',
  'sbom.harbor': 'SBOM',
  'accelerator.nydus': 'Nydus 镜像',
};
