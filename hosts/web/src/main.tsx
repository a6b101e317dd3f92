import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from '@/app/App';
import { begin as beginTheme } from '@/app/theme';
import { begin as beginTexts } from '@/i18n';
import '@/app/nonce';
import '@/styles/app.css';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no place for the app');

beginTheme();
await beginTexts();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
