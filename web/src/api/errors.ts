/** What goes wrong between the page and the server, as one type. */

export class ApiFailure extends Error {
  constructor(
    /** HTTP's status; 0 if no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string | null,
    /** What exactly is wrong, by the server's name for it, with the values that it speaks of. */
    readonly reason: Reason | null = null,
  ) {
    super(message);
  }
}

export interface Reason {
  name: string;
  values: Record<string, string>;
}

interface Body {
  errors?: { code?: unknown; message?: unknown; detail?: unknown }[];
}

function reasonOf(detail: unknown): Reason | null {
  if (typeof detail !== 'object' || detail === null) return null;
  const { reason, ...values } = detail as Record<string, unknown>;
  if (typeof reason !== 'string') return null;
  const texts = Object.entries(values).filter(
    (one): one is [string, string] => typeof one[1] === 'string',
  );
  return { name: reason, values: Object.fromEntries(texts) };
}

/** Reads the server's own form of errors; anything else, as of a proxy, becomes one too. */
export function failureOf(status: number, body: unknown, requestId: string | null): ApiFailure {
  const first = (body as Body | null | undefined)?.errors?.[0];
  const code = typeof first?.code === 'string' ? first.code : `HTTP_${status}`;
  const message = typeof first?.message === 'string' ? first.message : '';
  return new ApiFailure(status, code, message, requestId, reasonOf(first?.detail));
}

export function asFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  return new ApiFailure(0, 'NO_ANSWER', error instanceof Error ? error.message : '', null);
}
