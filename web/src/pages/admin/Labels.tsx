/** The labels of the system, which every project can use. */
import { useT } from '../../i18n';
import { LabelList } from '../../ui/LabelList';
import { Screen } from '../../ui/Screen';

export function SystemLabels() {
  const t = useT();
  return (
    <Screen title={t('nav.labels')}>
      <LabelList mayChange />
    </Screen>
  );
}
