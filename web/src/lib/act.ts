/** Doing something and saying how it went: every change goes this way. */
import { notifications } from '@mantine/notifications';
import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useExplain } from '../ui/Notices';

interface Options {
  /** What is said when it is done. */
  done?: string;
  /** What lists and pages must read again. */
  stale?: QueryKey[];
}

/** Runs a change. Says false, after showing why, if it failed. */
export function useAct() {
  const client = useQueryClient();
  const explain = useExplain();
  return useCallback(
    async (change: () => Promise<unknown>, options: Options = {}): Promise<boolean> => {
      try {
        await change();
      } catch (error) {
        const { what, advice } = explain(error);
        notifications.show({ color: 'red', title: what, message: advice, autoClose: 12_000 });
        return false;
      } finally {
        for (const queryKey of options.stale ?? []) void client.invalidateQueries({ queryKey });
      }
      if (options.done) notifications.show({ color: 'green', message: options.done });
      return true;
    },
    [client, explain],
  );
}

/** For dialogs, which show failures themselves. */
export function useDone() {
  const client = useQueryClient();
  return useCallback(
    async (options: Options) => {
      await Promise.all(
        (options.stale ?? []).map((queryKey) => client.invalidateQueries({ queryKey })),
      );
      if (options.done) notifications.show({ color: 'green', message: options.done });
    },
    [client],
  );
}
