/** Reading artifacts: what they are for, how one calls them. */
import type { Schemas } from '../api/client';
import { shortDigest } from '../ui/Small';

export type Artifact = Schemas['Artifact'];
export type Platform = NonNullable<Schemas['Reference']['platform']>;

export function platformName(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/** The platforms that an artifact runs on: its own, or those of its index. */
export function platformsOf(artifact: Artifact): string[] {
  const references = artifact.references ?? [];
  if (references.length > 0) {
    const names = references
      .map((one) => one.platform)
      .filter((one): one is Platform => !!one && one.os !== 'unknown')
      .map(platformName);
    return [...new Set(names)];
  }
  const { os, architecture, variant } = (artifact.extra_attrs ?? {}) as Record<string, unknown>;
  if (typeof os !== 'string' || typeof architecture !== 'string') return [];
  return [[os, architecture, variant].filter((part) => typeof part === 'string' && part).join('/')];
}

export function isIndex(artifact: Artifact): boolean {
  return (artifact.references ?? []).length > 0;
}

/** A tag if it has one, else a short digest. */
export function nameOf(artifact: Artifact): string {
  return artifact.tags?.[0]?.name ?? shortDigest(artifact.digest);
}
