/** What every page stands on: theme, texts, queries, routes, dialogs. */
import { Container, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import type { ApiFailure } from './api/errors';
import { asFailure } from './api/errors';
import { I18nProvider, type Language } from './i18n';
import type { Texts } from './i18n/translate';
import { styleNonce } from './lib/nonce';
import { router } from './router';
import { cssVariables, theme } from './theme';
import { Questions } from './ui/Dialogs';
import { Failure } from './ui/Notices';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refused once it refuses again; only what it could not answer is tried anew.
      retry: (count, error) => {
        const { status } = asFailure(error);
        return count < 2 && (status === 0 || status >= 502);
      },
    },
  },
});

interface Props {
  language: Language;
  texts: Texts;
  failure: ApiFailure | null;
}

export function App({ language, texts, failure }: Props) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
    >
      <I18nProvider language={language} texts={texts}>
        <QueryClientProvider client={queries}>
          <Notifications position="bottom-right" />
          {failure ? (
            <Container size="sm" py="xl">
              <Failure error={failure} retry={() => location.reload()} />
            </Container>
          ) : (
            <RouterProvider router={router} />
          )}
          <Questions />
        </QueryClientProvider>
      </I18nProvider>
    </MantineProvider>
  );
}
