/** The API, typed by the server's own document. */
import createClient from 'openapi-fetch';
import { failureOf } from './errors';
import type { components, paths } from './schema';
import { send } from './session';

export type Schemas = components['schemas'];

export const BASE = '/api/v2.0';

export const api = createClient<paths>({
  baseUrl: BASE,
  fetch: send,
  // A name of digits only is still a name: the portal never puts ids of projects into paths.
  headers: { 'X-Is-Resource-Name': 'true' },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body, or the failure thrown. */
export async function ok<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) {
    throw failureOf(response.status, error, response.headers.get('X-Request-Id'));
  }
  return data as T;
}

export interface Page<T> {
  items: T[];
  total: number;
}

/** A page of a list, with the length of the whole. */
export async function page<T>(answer: Promise<Answer<T[]>>): Promise<Page<T>> {
  const { data, error, response } = await answer;
  if (!response.ok) {
    throw failureOf(response.status, error, response.headers.get('X-Request-Id'));
  }
  const items = data ?? [];
  const told = response.headers.get('X-Total-Count');
  return { items, total: told === null ? items.length : Number(told) };
}

/** All entries of a list that people made by hand, such as labels; at most ten pages. */
export async function all<T>(read: (page: number) => Promise<Answer<T[]>>): Promise<T[]> {
  const items: T[] = [];
  for (let number = 1; number <= 10; number += 1) {
    const next = await page(read(number));
    items.push(...next.items);
    if (next.items.length === 0 || items.length >= next.total) break;
  }
  return items;
}
