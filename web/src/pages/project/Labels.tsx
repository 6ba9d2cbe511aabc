/** The labels of a project. */
import { useProject } from '../../api/queries';
import { useCan } from '../../lib/access';
import { usePlace } from '../../lib/place';
import { LabelList } from '../../ui/LabelList';
import { Waiting } from '../../ui/Notices';

export function ProjectLabels() {
  const { project } = usePlace();
  const { data } = useProject(project);
  const can = useCan(data?.project_id);
  if (!data) return <Waiting />;
  return <LabelList projectId={data.project_id} mayChange={can('label', 'create')} />;
}
