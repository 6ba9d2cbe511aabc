/** The four kinds of upkeep, which the API has in one shape at different addresses. */
import { api, ok, type Page, page, type Schemas } from '../../api/client';

export type UpkeepId = 'gc' | 'purge' | 'scrub' | 'repair';
export type Run = Schemas['GCHistory'];
type Request = Schemas['ScheduleRequest'];

/** A field of what a run is told. */
export type Field =
  | { name: string; kind: 'switch'; first: boolean }
  | { name: string; kind: 'number'; first: number; min: number; max: number };

export interface Upkeep {
  id: UpkeepId;
  fields: Field[];
  /** Whether a run can only look. */
  dryRun: boolean;
  /** What came of a run that is a size, and what is a count. */
  sizes: string[];
  counts: string[];
  history: (query: { page: number; page_size: number }) => Promise<Page<Run>>;
  schedule: () => Promise<Run>;
  write: (body: Request) => Promise<unknown>;
  stop: (id: number) => Promise<unknown>;
  log: (id: number) => Promise<string>;
}

export const UPKEEP: Upkeep[] = [
  {
    id: 'gc',
    fields: [
      { name: 'delete_untagged', kind: 'switch', first: false },
      { name: 'empty_trash', kind: 'switch', first: false },
      { name: 'workers', kind: 'number', first: 1, min: 1, max: 10 },
      { name: 'time_limit_minutes', kind: 'number', first: 0, min: 0, max: 10_080 },
    ],
    dryRun: true,
    sizes: ['freed_space'],
    counts: ['purged_blobs', 'purged_manifests'],
    history: (query) => page(api.GET('/system/gc', { params: { query } })),
    schedule: () => ok(api.GET('/system/gc/schedule')),
    write: (body) => ok(api.POST('/system/gc/schedule', { body })),
    stop: (gc_id) => ok(api.PUT('/system/gc/{gc_id}', { params: { path: { gc_id } } })),
    log: (gc_id) =>
      ok(api.GET('/system/gc/{gc_id}/log', { params: { path: { gc_id } }, parseAs: 'text' })),
  },
  {
    id: 'purge',
    fields: [{ name: 'audit_retention_hour', kind: 'number', first: 2160, min: 1, max: 240_000 }],
    dryRun: true,
    sizes: [],
    counts: ['purged'],
    history: (query) => page(api.GET('/system/purgeaudit', { params: { query } })),
    schedule: () => ok(api.GET('/system/purgeaudit/schedule')),
    write: (body) => ok(api.POST('/system/purgeaudit/schedule', { body })),
    stop: (purge_id) =>
      ok(api.PUT('/system/purgeaudit/{purge_id}', { params: { path: { purge_id } } })),
    log: (purge_id) =>
      ok(
        api.GET('/system/purgeaudit/{purge_id}/log', {
          params: { path: { purge_id } },
          parseAs: 'text',
        }),
      ),
  },
  {
    id: 'scrub',
    fields: [{ name: 'rate_mib', kind: 'number', first: 20, min: 1, max: 100_000 }],
    dryRun: false,
    sizes: [],
    counts: ['checked', 'found'],
    history: (query) => page(api.GET('/system/scrub', { params: { query } })),
    schedule: () => ok(api.GET('/system/scrub/schedule')),
    write: (body) => ok(api.POST('/system/scrub/schedule', { body })),
    stop: (scrub_id) => ok(api.PUT('/system/scrub/{scrub_id}', { params: { path: { scrub_id } } })),
    log: (scrub_id) =>
      ok(
        api.GET('/system/scrub/{scrub_id}/log', {
          params: { path: { scrub_id } },
          parseAs: 'text',
        }),
      ),
  },
  {
    id: 'repair',
    fields: [{ name: 'rehash', kind: 'switch', first: false }],
    dryRun: true,
    sizes: [],
    counts: ['found', 'repaired'],
    history: (query) => page(api.GET('/system/repair', { params: { query } })),
    schedule: () => ok(api.GET('/system/repair/schedule')),
    write: (body) => ok(api.POST('/system/repair/schedule', { body })),
    stop: (repair_id) =>
      ok(api.PUT('/system/repair/{repair_id}', { params: { path: { repair_id } } })),
    log: (repair_id) =>
      ok(
        api.GET('/system/repair/{repair_id}/log', {
          params: { path: { repair_id } },
          parseAs: 'text',
        }),
      ),
  },
];
