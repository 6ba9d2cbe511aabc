/** What a list shows — page, order, filters — kept in the address, so that it can be shared. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

export type Filters = Record<string, string | undefined>;

export interface ListState {
  page: number;
  size: number;
  sort: string | undefined;
  filters: Filters;
  setPage: (page: number) => void;
  setSize: (size: number) => void;
  setSort: (sort: string | undefined) => void;
  /** Filters change what there is to page through, so the first page is shown. */
  setFilters: (filters: Filters) => void;
}

export const SIZES = [15, 25, 50, 100];
const DEFAULT_SIZE = 15;

type Raw = Record<string, unknown>;

function whole(value: unknown, fallback: number): number {
  const number = Number(value);
  return Number.isInteger(number) && number >= 1 ? number : fallback;
}

/** Reads a search as the router parses it; what is not one of ours is a filter. */
export function readSearch(raw: Raw): Pick<ListState, 'page' | 'size' | 'sort' | 'filters'> {
  const { page, size, sort, ...rest } = raw;
  const filters: Filters = {};
  for (const [name, value] of Object.entries(rest)) {
    if (['string', 'number', 'boolean'].includes(typeof value)) filters[name] = String(value);
  }
  return {
    page: whole(page, 1),
    size: Math.min(whole(size, DEFAULT_SIZE), 100),
    sort: typeof sort === 'string' && sort !== '' ? sort : undefined,
    filters,
  };
}

/** Leaves out what is empty or as it is anyway, so that addresses stay short. */
export function tidySearch(raw: Raw): Raw {
  return Object.fromEntries(
    Object.entries(raw).filter(
      ([name, value]) =>
        value !== undefined &&
        value !== '' &&
        !(name === 'page' && value === 1) &&
        !(name === 'size' && value === DEFAULT_SIZE),
    ),
  );
}

export function useListState(): ListState {
  const raw = useSearch({ strict: false }) as Raw;
  const navigate = useNavigate();
  const change = useCallback(
    (patch: Raw) => {
      void navigate({
        to: '.',
        search: ((old: Raw) => tidySearch({ ...old, ...patch })) as never,
        replace: true,
      });
    },
    [navigate],
  );
  return useMemo(
    () => ({
      ...readSearch(raw),
      setPage: (page) => change({ page }),
      setSize: (size) => change({ size, page: 1 }),
      setSort: (sort) => change({ sort, page: 1 }),
      setFilters: (filters) => change({ ...filters, page: 1 }),
    }),
    [raw, change],
  );
}

/** A value inside a condition of `q`: the signs that divide conditions cannot stand in it. */
export function plain(value: string): string {
  return value.replaceAll(/[,=~{}()[\]]/g, ' ').trim();
}

/** The API's `q` for texts that fields must contain. */
export function containing(fields: Record<string, string | undefined>): string | undefined {
  const conditions = Object.entries(fields)
    .map(([field, value]) => [field, plain(value ?? '')] as const)
    .filter(([, value]) => value !== '')
    .map(([field, value]) => `${field}=~${value}`);
  return conditions.length > 0 ? conditions.join(',') : undefined;
}
