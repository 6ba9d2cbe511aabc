/** Begins the page: the language's texts and the session first, then everything else. */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './app.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { asFailure } from './api/errors';
import { begin } from './api/session';
import { App } from './app';
import { firstLanguage, loadTexts } from './i18n';
import { styleNonce } from './lib/nonce';

// The scroll lock of dialogs writes a style by itself and looks for its nonce here.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = styleNonce();

async function start() {
  const root = document.getElementById('root');
  if (!root) return;
  const language = firstLanguage();
  const [texts, failure] = await Promise.all([
    loadTexts(language),
    begin().then(
      () => null,
      (error: unknown) => asFailure(error),
    ),
  ]);
  createRoot(root).render(
    <StrictMode>
      <App language={language} texts={texts} failure={failure} />
    </StrictMode>,
  );
}

void start();
