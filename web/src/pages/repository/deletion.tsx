/** Deleting artifacts and tags, with a way back for as long as the server keeps what was deleted. */
import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { useT } from '../../i18n';
import { useAct } from '../../lib/act';
import { type Artifact, nameOf } from '../../lib/artifacts';
import { useSay } from '../../lib/say';
import type { RepositoryAt } from '../../ui/Links';

/** Long enough to see that it was the wrong one. */
const UNDO_MS = 20_000;

interface Gone {
  tag: string;
  digest: string;
}

export function useDeletion(at: RepositoryAt) {
  const t = useT();
  const act = useAct();
  const say = useSay();
  const client = useQueryClient();
  const path = { project_name: at.project, repository_name: at.repository };
  const stale = [
    ['artifacts', at.project, at.repository],
    ['artifact', at.project, at.repository],
    ['history', at.project, at.repository],
    ['latest', at.project],
  ];

  const restore = async (gone: Gone[], id: string) => {
    notifications.hide(id);
    for (const { tag, digest } of gone) {
      await act(
        () =>
          ok(
            api.POST(
              '/projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/_restore',
              { params: { path: { ...path, tag_name: tag } }, body: { digest } },
            ),
          ),
        { done: t('artifacts.back', { name: tag }), stale },
      );
    }
  };

  /** Says that it is done, and offers the way back where tags lead to what is gone. */
  const offer = (names: string, gone: Gone[]) => {
    const id = `deleted-${Date.now()}`;
    say({
      id,
      autoClose: gone.length > 0 ? UNDO_MS : 6_000,
      message: (
        <Group justify="space-between" gap="sm" wrap="nowrap">
          <Text size="sm" className="break">
            {t('common.deleted', { name: names })}
          </Text>
          {gone.length > 0 && (
            <Button size="compact-sm" variant="default" onClick={() => restore(gone, id)}>
              {t('common.undo')}
            </Button>
          )}
        </Group>
      ),
    });
    for (const queryKey of stale) void client.invalidateQueries({ queryKey });
  };

  return {
    async artifacts(artifacts: Artifact[]): Promise<void> {
      const deleted: Artifact[] = [];
      for (const artifact of artifacts) {
        const done = await act(
          () =>
            ok(
              api.DELETE(
                '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}',
                { params: { path: { ...path, reference: artifact.digest } } },
              ),
            ),
          { stale },
        );
        if (done) deleted.push(artifact);
      }
      if (deleted.length === 0) return;
      const gone = deleted.flatMap((one) =>
        (one.tags ?? []).map((tag) => ({ tag: tag.name, digest: one.digest })),
      );
      offer(deleted.map(nameOf).join(', '), gone);
    },

    async tag(digest: string, tag: string): Promise<boolean> {
      const done = await act(
        () =>
          ok(
            api.DELETE(
              '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}',
              { params: { path: { ...path, reference: digest, tag_name: tag } } },
            ),
          ),
        { stale },
      );
      if (done) offer(tag, [{ tag, digest }]);
      return done;
    },
  };
}
