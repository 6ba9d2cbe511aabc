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

interface ArtifactAt extends RepositoryAt {
  reference: string;
  /** The part of its page that is to be open. */
  part?: string;
  children: ReactNode;
}

export function ArtifactLink(props: ArtifactAt) {
  const { project, repository, reference, part, children } = props;
  return (
    <Anchor
      className="break touch"
      renderRoot={(rest) => (
        <Link
          to="/projects/$project/repositories/$repository/artifacts/$reference"
          params={{ project, repository, reference }}
          search={(part ? { part } : {}) as never}
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
