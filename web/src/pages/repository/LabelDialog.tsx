/** Puts labels on artifacts and takes them off. */
import { Checkbox, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { all, api, ok } from '../../api/client';
import { useT } from '../../i18n';
import { useDone } from '../../lib/act';
import type { Artifact } from '../../lib/artifacts';
import { LabelBadge } from '../../ui/ArtifactParts';
import { FormDialog } from '../../ui/Dialogs';
import type { RepositoryAt } from '../../ui/Links';
import { Waiting } from '../../ui/Notices';

interface Props {
  at: RepositoryAt;
  projectId: number;
  artifacts: Artifact[];
  onClose: () => void;
}

export function LabelDialog({ at, projectId, artifacts, onClose }: Props) {
  const t = useT();
  const done = useDone();
  const [changed, setChanged] = useState<Map<number, boolean>>(new Map());
  const { data } = useQuery({
    queryKey: ['labels', 'usable', projectId],
    queryFn: async () => [
      ...(await all((page) =>
        api.GET('/labels', {
          params: { query: { scope: 'p', project_id: projectId, page, page_size: 100 } },
        }),
      )),
      ...(await all((page) =>
        api.GET('/labels', { params: { query: { scope: 'g', page, page_size: 100 } } }),
      )),
    ],
  });
  const bears = (artifact: Artifact, id: number) =>
    (artifact.labels ?? []).some((label) => label.id === id);
  const save = async () => {
    for (const artifact of artifacts) {
      const path = {
        project_name: at.project,
        repository_name: at.repository,
        reference: artifact.digest,
      };
      for (const [id, on] of changed) {
        if (on === bears(artifact, id)) continue;
        if (on) {
          await ok(
            api.POST(
              '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels',
              { params: { path }, body: { id } },
            ),
          );
        } else {
          await ok(
            api.DELETE(
              '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels/{label_id}',
              { params: { path: { ...path, label_id: id } } },
            ),
          );
        }
      }
    }
    await done({ done: t('common.saved'), stale: [['artifacts'], ['artifact']] });
  };
  return (
    <FormDialog
      title={t('artifacts.labels')}
      action={t('common.save')}
      onClose={onClose}
      onSubmit={save}
    >
      {!data && <Waiting />}
      {data?.length === 0 && <Text size="sm">{t('artifacts.noLabels')}</Text>}
      <Stack gap="xs">
        {(data ?? []).map((label) => {
          const on = artifacts.filter((one) => bears(one, label.id)).length;
          const wanted = changed.get(label.id);
          return (
            <Checkbox
              key={label.id}
              label={<LabelBadge name={label.name} color={label.color} />}
              checked={wanted ?? on === artifacts.length}
              indeterminate={wanted === undefined && on > 0 && on < artifacts.length}
              onChange={(event) => {
                const next = new Map(changed);
                next.set(label.id, event.currentTarget.checked);
                setChanged(next);
              }}
            />
          );
        })}
      </Stack>
    </FormDialog>
  );
}
