/** The access log of everything that one may see the log of. */
import { useT } from '../i18n';
import { useIsAdmin } from '../lib/access';
import { LogTable } from '../ui/LogTable';
import { Screen } from '../ui/Screen';

export function Logs() {
  const t = useT();
  const admin = useIsAdmin();
  return (
    <Screen title={t('logs.title')} about={admin ? t('logs.aboutAdmin') : t('logs.about')}>
      <LogTable />
    </Screen>
  );
}
