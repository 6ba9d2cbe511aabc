/** What is shown where no page is, and where a page breaks. */
import { Button, Container } from '@mantine/core';
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { useT } from '../i18n';
import { Empty, Failure } from '../ui/Notices';

export function NotFound() {
  const t = useT();
  return (
    <Container component="main" size="sm" py="xl">
      <Empty
        title={t('shell.notFound')}
        next={t('shell.notFoundNext')}
        action={
          <Button component={Link} to="/projects" variant="default">
            {t('shell.toProjects')}
          </Button>
        }
      />
    </Container>
  );
}

export function PageFailure({ error, reset }: ErrorComponentProps) {
  return (
    <Container size="sm" py="xl">
      <Failure error={error} retry={reset} />
    </Container>
  );
}
