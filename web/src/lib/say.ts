/** Saying something in passing. */
import { type NotificationData, notifications } from '@mantine/notifications';
import { useCallback } from 'react';
import { useT } from '../i18n';

/** Shows a notification, whose button to close it has a name for those who do not see it. */
export function useSay() {
  const t = useT();
  return useCallback(
    (said: NotificationData) =>
      notifications.show({ closeButtonProps: { 'aria-label': t('common.close') }, ...said }),
    [t],
  );
}
