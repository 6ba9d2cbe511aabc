/** Reading OpenVEX documents, to show what they say. */

/** What is read anew when documents change: findings tell what is said of them. */
export const STALE = [['vex'], ['vulnerabilities']];

/** The words that have a meaning; `vexStates` has them for people. */
const STATES = ['not_affected', 'affected', 'fixed', 'under_investigation'];

export interface Statement {
  vulnerability: string;
  /** Other names of it. */
  aliases: string[];
  status: string;
  /** Why, by OpenVEX's list or in the author's words. */
  why: string;
  /** Packages and images that it speaks of, with the parts that are meant. */
  products: string[];
}

type Raw = Record<string, unknown>;

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function rows(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function named(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  const raw = (value ?? {}) as Raw;
  const identifiers = (raw.identifiers ?? {}) as Raw;
  const hash = text(((raw.hashes ?? {}) as Raw)['sha-256']);
  return text(identifiers.purl) || text(raw['@id']) || (hash && `sha256:${hash}`);
}

function product(value: unknown): string {
  const parts = rows((value as Raw | null)?.subcomponents)
    .map(named)
    .filter(Boolean);
  return parts.length > 0 ? `${named(value)} (${parts.join(', ')})` : named(value);
}

/** What a document says, in its own order; what has none of its parts is shown empty. */
export function statementsOf(document: unknown): Statement[] {
  return rows((document as Raw | null)?.statements).map((value) => {
    const raw = (value ?? {}) as Raw;
    // The first version of the format had the bare name.
    const about = (raw.vulnerability ?? {}) as Raw;
    const status = text(raw.status);
    return {
      vulnerability: text(raw.vulnerability) || text(about.name) || text(about['@id']),
      aliases: rows(about.aliases).map(text).filter(Boolean),
      status: STATES.includes(status) ? status : '',
      why: text(raw.justification) || text(raw.impact_statement) || text(raw.action_statement),
      products: rows(raw.products).map(product).filter(Boolean),
    };
  });
}

/** Statements with a part of a vulnerability or a product in them. */
export function saying(statements: Statement[], part: string): Statement[] {
  const wanted = part.trim().toLowerCase();
  if (wanted === '') return statements;
  return statements.filter((one) =>
    [one.vulnerability, ...one.aliases, ...one.products].some((it) =>
      it.toLowerCase().includes(wanted),
    ),
  );
}

export type Fault = 'notJson' | 'notVex' | 'noId' | 'noStatements';

/** A document out of a text, or why it is none; the server looks more closely. */
export function readVex(typed: string): { document: Raw } | { fault: Fault } {
  let document: Raw;
  try {
    const parsed: unknown = JSON.parse(typed);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      return { fault: 'notVex' };
    }
    document = parsed as Raw;
  } catch {
    return { fault: 'notJson' };
  }
  if (!text(document['@context']).startsWith('https://openvex.dev/ns')) return { fault: 'notVex' };
  if (text(document['@id']) === '') return { fault: 'noId' };
  if (rows(document.statements).length === 0) return { fault: 'noStatements' };
  return { document };
}
