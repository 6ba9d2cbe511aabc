import { MantineProvider } from '@mantine/core';
import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { I18nProvider } from '../i18n';
import { en } from '../i18n/en';
import type { ListState } from '../lib/list';
import { DataTable } from './DataTable';

interface Row {
  id: number;
  name: string;
}

const state = (): ListState => ({
  page: 1,
  size: 15,
  sort: undefined,
  filters: {},
  setPage: vi.fn(),
  setSize: vi.fn(),
  setSort: vi.fn(),
  setFilters: vi.fn(),
});

function show(rows: Row[], total: number, list: ListState, choose = vi.fn()) {
  render(
    <MantineProvider env="test">
      <I18nProvider language="en" texts={en}>
        <DataTable<Row, number>
          label="Things"
          list={{ data: { items: rows, total }, error: null, isPending: false, refetch: vi.fn() }}
          columns={[
            { id: 'name', label: 'Name', sort: 'name', primary: true, cell: (row) => row.name },
          ]}
          keyOf={(row) => row.id}
          nameOf={(row) => row.name}
          state={list}
          empty={<p>Nothing</p>}
          selection={{ chosen: new Set([1]), set: choose }}
        />
      </I18nProvider>
    </MantineProvider>,
  );
}

const ROWS = [
  { id: 1, name: 'a' },
  { id: 2, name: 'b' },
];

describe('DataTable', () => {
  afterEach(cleanup);

  it('turns the order up, down and off', async () => {
    const list = state();
    show(ROWS, 2, list);
    await userEvent.click(screen.getByRole('button', { name: /Name/ }));
    expect(list.setSort).toHaveBeenLastCalledWith('name');
    cleanup();
    show(ROWS, 2, { ...list, sort: 'name' });
    await userEvent.click(screen.getByRole('button', { name: /Name/ }));
    expect(list.setSort).toHaveBeenLastCalledWith('-name');
    expect(screen.getByRole('columnheader', { name: /Name/ }).getAttribute('aria-sort')).toBe(
      'ascending',
    );
  });

  it('chooses single rows and all of the page', async () => {
    const choose = vi.fn();
    show(ROWS, 2, state(), choose);
    await userEvent.click(screen.getByRole('checkbox', { name: 'Choose b' }));
    expect(choose).toHaveBeenLastCalledWith(new Set([1, 2]));
    await userEvent.click(screen.getByRole('checkbox', { name: 'Choose all on this page' }));
    expect(choose).toHaveBeenLastCalledWith(new Set([1, 2]));
  });

  it('pages through more than fits', async () => {
    const list = state();
    show(ROWS, 40, list);
    expect(screen.getByText('40 entries')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Next page' }));
    expect(list.setPage).toHaveBeenLastCalledWith(2);
  });

  it('says what to do where there is nothing', () => {
    show([], 0, state());
    expect(screen.getByText('Nothing')).toBeTruthy();
  });
});
