/** The robot accounts of the system. */
import { useT } from '../../i18n';
import { RobotList } from '../../ui/RobotList';
import { Screen } from '../../ui/Screen';

export function SystemRobots() {
  const t = useT();
  return (
    <Screen title={t('nav.robots')}>
      <RobotList may={() => true} />
    </Screen>
  );
}
