/** An account that a visitor makes, where the configuration allows it. */
import { api, ok } from '../api/client';
import { useT } from '../i18n';
import { useDone } from '../lib/act';
import { AccountFields, emptyAccount, useAccountForm } from '../ui/AccountFields';
import { FormDialog } from '../ui/Dialogs';

export function Register(props: { onClose: () => void; onDone: (name: string) => void }) {
  const t = useT();
  const done = useDone();
  const form = useAccountForm(emptyAccount);
  return (
    <FormDialog
      title={t('login.register')}
      action={t('login.register')}
      onClose={props.onClose}
      check={() => !form.validate().hasErrors}
      onSubmit={async () => {
        const { repeated: _, ...body } = form.values;
        await ok(api.POST('/users', { body }));
        props.onDone(body.username);
        await done({ done: t('login.registered') });
      }}
    >
      <AccountFields form={form} />
    </FormDialog>
  );
}
