/** Kinds of what is attached to an artifact. */
export const accessories = {
  'signature.cosign': 'Cosign signature',
  'signature.notation': 'Notation signature',
  'subject.accessory': 'Attachment',
  'sbom.harbor': 'SBOM',
  'accelerator.nydus': 'Nydus image',
} as const;
