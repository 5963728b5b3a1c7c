import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows the page with the answers of a running binary; LINKLOOM_API says where that listens.
const api = process.env.LINKLOOM_API ?? 'http://127.0.0.1:7070';

export default defineConfig({
  // Relative, and every page path has one level: the page works behind any prefix of a proxy.
  base: './',
  plugins: [react()],
  server: {
    host: '127.0.0.1',
    port: Number(process.env.PORT ?? 5173),
    proxy: { '/api': { target: api } },
  },
  preview: { host: '127.0.0.1', proxy: { '/api': { target: api } } },
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, sourcemap: false, chunkSizeWarningLimit: 900 },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
});
