import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from '@/app/App';
import { heedPresence } from '@/api/presence';
import { begin as beginTheme } from '@/app/theme';
import { begin as beginTexts } from '@/i18n';
import { begin as takeInvitation } from '@/pages/invitation/courier';
import '@/app/nonce';
import '@/styles/app.css';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no place for the app');

takeInvitation(); // first of all: its token leaves the address
heedPresence(window);
beginTheme();
await beginTexts();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
