/** Doing something and saying how it went: every change goes this way. */
import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useExplain } from '../ui/Notices';
import { useSay } from './say';

interface Options {
  /** What is said when it is done. */
  done?: string;
  /** What lists and pages must read again. */
  stale?: QueryKey[];
}

/** Runs a change. Says false, after showing why, if it failed. */
export function useAct() {
  const client = useQueryClient();
  const say = useSay();
  const explain = useExplain();
  return useCallback(
    async (change: () => Promise<unknown>, options: Options = {}): Promise<boolean> => {
      try {
        await change();
      } catch (error) {
        const { what, advice, said } = explain(error);
        const message = said ? `${advice} (${said})` : advice;
        say({ color: 'red', title: what, message, autoClose: 12_000 });
        return false;
      } finally {
        for (const queryKey of options.stale ?? []) void client.invalidateQueries({ queryKey });
      }
      if (options.done) say({ color: 'green', message: options.done });
      return true;
    },
    [client, explain, say],
  );
}

/** For dialogs, which show failures themselves. */
export function useDone() {
  const client = useQueryClient();
  const say = useSay();
  return useCallback(
    async (options: Options) => {
      await Promise.all(
        (options.stale ?? []).map((queryKey) => client.invalidateQueries({ queryKey })),
      );
      if (options.done) say({ color: 'green', message: options.done });
    },
    [client, say],
  );
}
