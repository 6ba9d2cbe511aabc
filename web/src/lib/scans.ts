/** Reading what scans found: overviews of artifacts, and reports. */
import type { Artifact } from './artifacts';

/** From the gravest down. */
export const SEVERITIES = ['Critical', 'High', 'Medium', 'Low', 'Negligible', 'Unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Overview {
  report_id: string;
  scan_status: string;
  complete_percent: number;
  severity?: string;
  start_time?: string;
  end_time?: string;
  scanner?: { name?: string; version?: string };
  /** Absent until a scan has succeeded once; stays through later scans. */
  summary?: { total: number; fixable: number; summary?: Partial<Record<Severity, number>> };
}

type Entries = Record<string, unknown> | null | undefined;

/** An overview stands under the media type of its report; there is one at most. */
export function overviewOf(artifact: Pick<Artifact, 'scan_overview'> | undefined): Overview | null {
  const entries: Entries = artifact?.scan_overview;
  const [first] = Object.values(entries ?? {});
  return typeof first === 'object' && first !== null ? (first as Overview) : null;
}

export function isScanning(overview: { scan_status: string } | null): boolean {
  return ['pending', 'running', 'scheduled'].includes(overview?.scan_status.toLowerCase() ?? '');
}

/** Charts, signatures and the like hold nothing that could be scanned. */
export function isScannable(artifact: Artifact): boolean {
  return artifact.type === 'IMAGE';
}

export interface Vulnerability {
  id: string;
  package: string;
  version: string;
  fix_version: string;
  severity: Severity;
  status: string;
  description: string;
  links: string[];
  layer: string;
  path: string;
  cwe_ids: string[];
  preferred_cvss?: { score_v3?: number; vector_v3?: string };
  exploited_since?: string;
  /** What a VEX document of the project says of it. */
  vex?: { status: string; justification: string; document: string };
}

/** Something doubtful that is no vulnerability: a secret, a bad practice. */
export interface Doubt {
  rule: string;
  severity: string;
  title: string;
  detail: string;
  path: string;
  line: number | null;
  /** Counted from 1; null where it is not in a layer. */
  layer: number | null;
  removedLater: boolean;
}

export interface Feed {
  name: string;
  imported_at: string;
  newest?: string;
}

export interface Report {
  generatedAt: string;
  distribution: string;
  vulnerabilities: Vulnerability[];
  feeds: Feed[];
  doubts: Doubt[];
  /** What could not be read. */
  incomplete: string[];
}

type Raw = Record<string, unknown>;

function list(value: unknown): Raw[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Links come from advisories and scanners: only those into the web are followed. */
export function isWebLink(link: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(link);
}

function vulnerability(raw: Raw): Vulnerability {
  const [layer] = texts(raw.artifact_digests);
  return {
    id: text(raw.id),
    package: text(raw.package),
    version: text(raw.version),
    fix_version: text(raw.fix_version),
    severity: SEVERITIES.find((one) => one === raw.severity) ?? 'Unknown',
    status: text(raw.status),
    description: text(raw.description),
    links: texts(raw.links).filter(isWebLink),
    layer: text(raw.layer) || layer || '',
    path: text(raw.path),
    cwe_ids: texts(raw.cwe_ids),
    preferred_cvss: raw.preferred_cvss as Vulnerability['preferred_cvss'],
    exploited_since: text(raw.exploited_since) || undefined,
    vex: vexOf(raw.vex as Raw | undefined),
  };
}

function vexOf(raw: Raw | undefined): Vulnerability['vex'] {
  if (!raw || text(raw.status) === '') return undefined;
  return {
    status: text(raw.status),
    justification: text(raw.justification),
    document: text(raw.document),
  };
}

function doubt(raw: Raw, layer: unknown, removedLater: unknown): Doubt {
  return {
    rule: text(raw.rule),
    severity: text(raw.severity) || 'info',
    title: text(raw.title),
    detail: text(raw.detail),
    path: text(raw.path),
    line: typeof raw.line === 'number' ? raw.line : null,
    layer: typeof layer === 'number' ? layer + 1 : null,
    removedLater: removedLater === true,
  };
}

const DOUBTS = ['critical', 'high', 'medium', 'low', 'info'];

/** The report out of what the API answers; null where nothing was scanned. */
export function readReport(answer: unknown): Report | null {
  const [raw] = Object.values((answer ?? {}) as Raw) as (Raw | undefined)[];
  if (!raw || typeof raw !== 'object') return null;
  const notes = (raw.notes ?? {}) as Raw;
  const doubts = [
    ...list(notes.findings).map((one) =>
      doubt((one.finding ?? {}) as Raw, one.layer, one.removed_later),
    ),
    ...list(notes.practice).map((one) => doubt(one, undefined, false)),
  ];
  doubts.sort((a, b) => DOUBTS.indexOf(a.severity) - DOUBTS.indexOf(b.severity));
  return {
    generatedAt: text(raw.generated_at),
    distribution: text(raw.distribution),
    vulnerabilities: list(raw.vulnerabilities).map(vulnerability),
    feeds: list(raw.feeds) as unknown as Feed[],
    doubts,
    incomplete: list(notes.incomplete).map((one) =>
      [text(one.path), text(one.detail) || text(one.reason)].filter(Boolean).join(': '),
    ),
  };
}

export function rankOf(severity: string): number {
  const found = SEVERITIES.indexOf(severity as Severity);
  return found < 0 ? SEVERITIES.length : found;
}

export interface Wanted {
  /** This severity and the graver ones. */
  severity?: string;
  /** `fixable`, `unfixed`, `exploited` or `allowed`. */
  show?: string;
  /** A part of the id or the package. */
  find?: string;
}

export function wantedOf(
  rows: Vulnerability[],
  wanted: Wanted,
  allowed: (id: string) => boolean,
): Vulnerability[] {
  const part = (wanted.find ?? '').trim().toLowerCase();
  const limit = wanted.severity ? rankOf(wanted.severity) : SEVERITIES.length;
  return rows.filter(
    (row) =>
      rankOf(row.severity) <= limit &&
      (wanted.show !== 'fixable' || row.fix_version !== '') &&
      (wanted.show !== 'unfixed' || row.fix_version === '') &&
      (wanted.show !== 'exploited' || row.exploited_since !== undefined) &&
      (wanted.show !== 'allowed' || allowed(row.id)) &&
      (wanted.show !== 'open' || !allowed(row.id)) &&
      (part === '' ||
        row.id.toLowerCase().includes(part) ||
        row.package.toLowerCase().includes(part)),
  );
}

/** By `severity`, `package` or `id`, upside down with a `-`; the gravest first unless told. */
export function sorted(rows: Vulnerability[], sort: string | undefined): Vulnerability[] {
  const names = (a: Vulnerability, b: Vulnerability) =>
    a.package.localeCompare(b.package) || a.id.localeCompare(b.id, 'en', { numeric: true });
  const grave = (a: Vulnerability, b: Vulnerability) => rankOf(a.severity) - rankOf(b.severity);
  const field = sort?.replace(/^-/, '');
  const back = sort?.startsWith('-') ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (field === 'package') return back * names(a, b) || grave(a, b);
    if (field === 'id') return back * a.id.localeCompare(b.id, 'en', { numeric: true });
    // Rising severity is what people call ascending, and the ranks fall.
    if (field === 'severity' && back > 0) return grave(b, a) || names(a, b);
    return grave(a, b) || names(a, b);
  });
}

/** One cell; what a spreadsheet would take for a formula is kept a text. */
function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Comma-separated values, with the heads in the first line. */
export function csvOf(heads: string[], rows: string[][]): string {
  return [heads, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

export interface List {
  items: { cve_id: string }[];
  expires_at?: number | null;
}

/** The entries of a list out of what was typed: several may stand in one, with spaces around. */
export function entriesOf(typed: string[]): { cve_id: string }[] {
  const ids = typed.flatMap((one) => one.split(/[\s,;]+/)).filter(Boolean);
  return [...new Set(ids)].map((cve_id) => ({ cve_id }));
}

/** Whether a list lets an id pass now. */
export function allowing(list: List | undefined, now = Date.now()): (id: string) => boolean {
  const over = !!list?.expires_at && list.expires_at * 1000 < now;
  const ids = new Set(over ? [] : (list?.items ?? []).map((item) => item.cve_id));
  return (id) => ids.has(id);
}

/** Days after which advisories are called old. */
export const OLD_DAYS = 7;

export function daysSince(time: string, now = Date.now()): number {
  return Math.floor((now - new Date(time).getTime()) / 86_400_000);
}
