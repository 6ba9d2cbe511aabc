/** Links to projects, repositories, artifacts and tags. */
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

export function ProjectLink({ project, children }: { project: string; children?: ReactNode }) {
  return (
    <Anchor
      className="break touch"
      renderRoot={(props) => <Link to="/projects/$project" params={{ project }} {...props} />}
    >
      {children ?? project}
    </Anchor>
  );
}

export interface RepositoryAt {
  project: string;
  /** Without the project. */
  repository: string;
}

export function RepositoryLink(props: RepositoryAt & { children?: ReactNode }) {
  const { project, repository, children } = props;
  return (
    <Anchor
      className="break touch"
      renderRoot={(rest) => (
        <Link
          to="/projects/$project/repositories/$repository"
          params={{ project, repository }}
          {...rest}
        />
      )}
    >
      {children ?? repository}
    </Anchor>
  );
}

export function ArtifactLink(props: RepositoryAt & { reference: string; children: ReactNode }) {
  const { project, repository, reference, children } = props;
  return (
    <Anchor
      className="break touch"
      renderRoot={(rest) => (
        <Link
          to="/projects/$project/repositories/$repository/artifacts/$reference"
          params={{ project, repository, reference }}
          {...rest}
        />
      )}
    >
      {children}
    </Anchor>
  );
}

export function TagLink(props: RepositoryAt & { tag: string; children: ReactNode }) {
  const { project, repository, tag, children } = props;
  return (
    <Anchor
      className="break touch"
      renderRoot={(rest) => (
        <Link
          to="/projects/$project/repositories/$repository/tags/$tag"
          params={{ project, repository, tag }}
          {...rest}
        />
      )}
    >
      {children}
    </Anchor>
  );
}
