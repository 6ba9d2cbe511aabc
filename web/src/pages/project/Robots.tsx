/** The robot accounts of a project. */
import { useProject } from '../../api/queries';
import { useCan } from '../../lib/access';
import { usePlace } from '../../lib/place';
import { Waiting } from '../../ui/Notices';
import { RobotList } from '../../ui/RobotList';

export function ProjectRobots() {
  const { project } = usePlace();
  const { data } = useProject(project);
  const can = useCan(data?.project_id);
  if (!data) return <Waiting />;
  return (
    <RobotList
      project={{ id: data.project_id, name: data.name }}
      may={(action) => can('robot', action)}
    />
  );
}
