/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Where `npm run dev` finds a server that is running.
const server = process.env.ARCHIBOT_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: {
      '@archibotchat/client': here('../../openapi/clients/ts/index.ts'),
      // The client lies outside of this folder and has no packages of its own.
      'openapi-fetch': here('./node_modules/openapi-fetch'),
      '@': here('./src'),
    },
  },
  // The server puts the nonce of each answer in its place; see web.go.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2023',
    manifest: true,
    // build/clean.mjs empties it and keeps .gitkeep, without which Go cannot embed.
    emptyOutDir: false,
    // Nothing is put into pages as data: addresses save for small pictures.
    assetsInlineLimit: (file) => (/\.(svg|png)$/.test(file) ? undefined : false),
    chunkSizeWarningLimit: 900,
    // What every page needs in one file: it packs better than many, and stays in
    // browsers while our own parts change.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: 'base', test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store|@tanstack|i18next|openapi-fetch)\/(?!.*(queriesObserver|useQueries))/ }],
        },
      },
    },
  },
  server: {
    fs: { allow: ['.', '../../openapi/clients/ts'] },
    proxy: Object.fromEntries(
      ['/api', '/auth', '/v1'].map((path) => [path, { target: server, changeOrigin: true, headers: { origin: server } }]),
    ),
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
  },
});
