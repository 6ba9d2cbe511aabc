/** Copies an artifact into another repository, without pulling it. */
import { Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { all, api, ok } from '../../api/client';
import { useT } from '../../i18n';
import { useDone } from '../../lib/act';
import type { Artifact } from '../../lib/artifacts';
import { FormDialog } from '../../ui/Dialogs';
import type { RepositoryAt } from '../../ui/Links';

interface Props {
  at: RepositoryAt;
  artifact: Artifact;
  onClose: () => void;
}

export function CopyDialog({ at, artifact, onClose }: Props) {
  const t = useT();
  const done = useDone();
  const navigate = useNavigate();
  const [project, setProject] = useState<string | null>(null);
  const [repository, setRepository] = useState(at.repository);
  const { data } = useQuery({
    queryKey: ['projects', 'names'],
    queryFn: () =>
      all((page) => api.GET('/projects', { params: { query: { page, page_size: 100 } } })),
  });
  const name = repository.trim();
  const copy = async () => {
    if (!project) return;
    await ok(
      api.POST('/projects/{project_name}/repositories/{repository_name}/artifacts', {
        params: {
          path: { project_name: project, repository_name: name },
          query: { from: `${artifact.repository_name}@${artifact.digest}` },
        },
      }),
    );
    await done({
      done: t('artifacts.copied', { name: `${project}/${name}` }),
      stale: [
        ['repositories', project],
        ['artifacts', project],
      ],
    });
    await navigate({
      to: '/projects/$project/repositories/$repository',
      params: { project, repository: name },
    });
  };
  return (
    <FormDialog
      title={t('artifacts.copy')}
      action={t('artifacts.copy')}
      onClose={onClose}
      check={() => project !== null && name !== ''}
      onSubmit={copy}
    >
      <Select
        label={t('projects.name')}
        withAsterisk
        searchable
        data={(data ?? []).map((one) => one.name)}
        value={project}
        onChange={setProject}
        nothingFoundMessage={t('table.nothing')}
      />
      <TextInput
        label={t('artifacts.repository')}
        withAsterisk
        value={repository}
        onChange={(event) => setRepository(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
