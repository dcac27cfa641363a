import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const page = (name: string): string => fileURLToPath(new URL(`./${name}.html`, import.meta.url));

export default defineConfig({
  // Pages live at /desk, /reports, /admin and the sandbox's own address; what they load is always /assets/….
  base: '/',
  plugins: [svelte()],
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    target: 'es2022',
    // A data: address would break `default-src 'self'`.
    assetsInlineLimit: 0,
    // The polyfill adds nothing for the browsers that es2022 asks for.
    modulePreload: { polyfill: false },
    // ECharts is one lazy chunk of the reports page.
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      input: {
        desk: page('desk'),
        reports: page('reports'),
        admin: page('admin'),
        phone: page('phone'),
      },
    },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
