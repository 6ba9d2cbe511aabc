/**
 * The browser's session: who is logged in, the proof that changes need, and what happens when the
 * session is over.
 *
 * Invariant: a request that meets the end of the session waits for a new login and is then sent
 * again, so that nothing typed into a page is lost.
 */

import { failureOf } from './errors';
import type { components } from './schema';

export type User = components['schemas']['UserResp'];

export const PROOF = 'X-Harbor-CSRF-Token';

export interface SessionState {
  /** Who is logged in; null for visitors. */
  user: User | null;
  /** Whether the session ended and requests wait for a login. */
  expired: boolean;
}

let state: SessionState = { user: null, expired: false };
let proof: string | null = null;
let waiting: { resolve: () => void; reject: (reason: Error) => void }[] = [];
const listeners = new Set<() => void>();

function set(next: SessionState) {
  state = next;
  for (const listener of listeners) listener();
}

export const session = {
  get: () => state,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
};

function isChange(request: Request): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(request.method);
}

async function once(request: Request): Promise<Response> {
  if (proof && isChange(request)) request.headers.set(PROOF, proof);
  const response = await fetch(request);
  // Every answer to a session carries its proof; one without it is an answer to a visitor.
  proof = response.headers.get(PROOF) ?? (state.user ? null : proof);
  return response;
}

function relogin(): Promise<void> {
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
    if (!state.expired) set({ ...state, expired: true });
  });
}

/** Sends a request with the session's proof; `fetch` of the API's client. */
export async function send(request: Request): Promise<Response> {
  const again = request.clone();
  const before = proof;
  const response = await once(request);
  if (state.user && !response.headers.has(PROOF) && response.status < 500) {
    await relogin();
    return once(again);
  }
  // Another tab logged in anew, so the proof of this page is one of a session that is over.
  if (response.status === 403 && isChange(again) && proof !== before) return once(again);
  return response;
}

async function whoami(): Promise<User | null> {
  const response = await once(new Request('/api/v2.0/users/current'));
  if (response.status === 401) return null;
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    throw failureOf(response.status, body, response.headers.get('X-Request-Id'));
  }
  return body as User;
}

/** Asks who is logged in; the first thing a page does. */
export async function begin(): Promise<void> {
  set({ user: await whoami(), expired: false });
}

/** Asks anew after one changed one's own account. */
export async function refresh(): Promise<void> {
  const user = await whoami();
  if (user) set({ ...state, user });
}

export async function logIn(principal: string, password: string): Promise<void> {
  const response = await once(
    new Request('/c/login', { method: 'POST', body: new URLSearchParams({ principal, password }) }),
  );
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => null);
    throw failureOf(response.status, body, response.headers.get('X-Request-Id'));
  }
  proof = response.headers.get(PROOF);
  const user = await whoami();
  const told = waiting;
  waiting = [];
  set({ user, expired: false });
  for (const one of told) one.resolve();
}

/** Gives up the session and what waits for it. */
export async function logOut(): Promise<void> {
  await fetch('/c/log_out').catch(() => null);
  const told = waiting;
  waiting = [];
  proof = null;
  set({ user: null, expired: false });
  for (const one of told) one.reject(failureOf(401, null, null));
}
