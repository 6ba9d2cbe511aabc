/**
 * A list as a table: order, pages and selection, with the same states everywhere — waiting, failed,
 * empty. On a phone each row is a card.
 */
import {
  Checkbox,
  Group,
  NativeSelect,
  Pagination,
  Skeleton,
  Table,
  Text,
  UnstyledButton,
  VisuallyHidden,
} from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Page } from '../api/client';
import { useT } from '../i18n';
import { type ListState, SIZES } from '../lib/list';
import { Failure } from './Notices';

export interface Column<T> {
  id: string;
  label: string;
  cell: (row: T) => ReactNode;
  /** The field that the API sorts by. */
  sort?: string;
  right?: boolean;
  /** What the row is called: the head of its card on a phone. */
  primary?: boolean;
  nowrap?: boolean;
}

export interface Listed<T> {
  data: Page<T> | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

export interface Selection<K> {
  chosen: ReadonlySet<K>;
  set: (chosen: Set<K>) => void;
}

interface Props<T, K extends string | number> {
  /** Says to screen readers what is listed. */
  label: string;
  list: Listed<T>;
  columns: Column<T>[];
  keyOf: (row: T) => K;
  /** Lists without one are shown whole. */
  state?: ListState;
  empty: ReactNode;
  toolbar?: ReactNode;
  selection?: Selection<K>;
  nameOf?: (row: T) => string;
}

function SortHead({ column, state }: { column: Column<never>; state: ListState }) {
  const field = column.sort ?? '';
  const up = state.sort === field;
  const down = state.sort === `-${field}`;
  const Icon = up ? IconArrowUp : down ? IconArrowDown : IconArrowsSort;
  return (
    <UnstyledButton
      fz="sm"
      fw={600}
      className="nowrap"
      onClick={() => state.setSort(up ? `-${field}` : down ? undefined : field)}
    >
      {column.label} <Icon size={14} aria-hidden style={{ verticalAlign: '-2px' }} />
    </UnstyledButton>
  );
}

function order(column: Column<never>, state?: ListState) {
  if (!column.sort || !state) return undefined;
  if (state.sort === column.sort) return 'ascending';
  return state.sort === `-${column.sort}` ? 'descending' : 'none';
}

function Foot({ total, state }: { total: number; state: ListState }) {
  const t = useT();
  const pages = Math.max(1, Math.ceil(total / state.size));
  const names = {
    first: t('table.first'),
    previous: t('table.previous'),
    next: t('table.next'),
    last: t('table.last'),
  };
  return (
    <Group justify="space-between" p="sm" gap="sm">
      <Text size="sm" c="dimmed" aria-live="polite">
        {t('table.total', { count: total })}
      </Text>
      <Group gap="sm">
        <NativeSelect
          size="xs"
          aria-label={t('table.size')}
          value={String(state.size)}
          onChange={(event) => state.setSize(Number(event.currentTarget.value))}
          data={SIZES.map((size) => ({
            value: String(size),
            label: t('table.perPage', { size }),
          }))}
        />
        {pages > 1 && (
          <Pagination
            size="sm"
            total={pages}
            value={Math.min(state.page, pages)}
            onChange={state.setPage}
            siblings={0}
            getControlProps={(control) => ({ 'aria-label': names[control] })}
          />
        )}
      </Group>
    </Group>
  );
}

export function DataTable<T, K extends string | number>(props: Props<T, K>) {
  const t = useT();
  const { list, columns, keyOf, state, selection, nameOf } = props;
  const rows = list.data?.items ?? [];
  const total = list.data?.total ?? 0;
  const keys = rows.map(keyOf);
  const here = keys.filter((key) => selection?.chosen.has(key)).length;
  const choose = (some: K[], on: boolean) => {
    const next = new Set(selection?.chosen);
    for (const key of some) {
      if (on) next.add(key);
      else next.delete(key);
    }
    selection?.set(next);
  };
  return (
    <div className="surface">
      {props.toolbar && <div className="toolbar">{props.toolbar}</div>}
      {list.error && !list.data ? (
        <Failure error={list.error} retry={() => list.refetch()} />
      ) : list.isPending ? (
        <Group p="sm" role="status" aria-label={t('common.loading')}>
          {[0, 1, 2, 3].map((line) => (
            <Skeleton key={line} height={22} />
          ))}
        </Group>
      ) : rows.length === 0 ? (
        props.empty
      ) : (
        <Table
          aria-label={props.label}
          className="cards"
          highlightOnHover
          tabularNums
          verticalSpacing="xs"
          horizontalSpacing="sm"
        >
          <Table.Thead>
            <Table.Tr>
              {selection && (
                <Table.Th w={40}>
                  <Checkbox
                    aria-label={t('table.chooseAll')}
                    checked={here === keys.length}
                    indeterminate={here > 0 && here < keys.length}
                    onChange={(event) => choose(keys, event.currentTarget.checked)}
                  />
                </Table.Th>
              )}
              {columns.map((column) => (
                <Table.Th
                  key={column.id}
                  ta={column.right ? 'right' : undefined}
                  aria-sort={order(column as never, state)}
                >
                  {column.sort && state ? (
                    <SortHead column={column as never} state={state} />
                  ) : column.label ? (
                    column.label
                  ) : (
                    <VisuallyHidden>{t('common.actions')}</VisuallyHidden>
                  )}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={keyOf(row)}>
                {selection && (
                  <Table.Td data-label="" className="choose">
                    <Checkbox
                      aria-label={t('table.choose', { name: nameOf?.(row) ?? String(keyOf(row)) })}
                      checked={selection.chosen.has(keyOf(row))}
                      onChange={(event) => choose([keyOf(row)], event.currentTarget.checked)}
                    />
                  </Table.Td>
                )}
                {columns.map((column) => (
                  <Table.Td
                    key={column.id}
                    data-label={column.label}
                    ta={column.right ? 'right' : undefined}
                    className={[column.primary && 'primary', column.nowrap && 'nowrap']
                      .filter(Boolean)
                      .join(' ')}
                  >
                    {column.cell(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {state && rows.length > 0 && <Foot total={total} state={state} />}
    </div>
  );
}
