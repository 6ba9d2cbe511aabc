/** The access log of one project. */
import { useT } from '../../i18n';
import { usePlace } from '../../lib/place';
import { LogTable } from '../../ui/LogTable';
import { Section } from '../../ui/Screen';

export function ProjectLogs() {
  const t = useT();
  const { project } = usePlace();
  return (
    <Section title={t('logs.title')} about={t('logs.aboutProject')}>
      <LogTable project={project} />
    </Section>
  );
}
