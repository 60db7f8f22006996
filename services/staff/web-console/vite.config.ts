/// <reference types="vitest/config" />
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';
import vuetify from 'vite-plugin-vuetify';

export default defineConfig({
  base: '/',
  plugins: [vue(), vuetify({ autoImport: true })],
  define: {
    // The message compiler must not use `new Function`: the page's policy is script-src 'self'.
    __INTLIFY_JIT_COMPILATION__: true,
    __INTLIFY_PROD_DEVTOOLS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_PROD_DEVTOOLS__: false,
  },
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  test: { setupFiles: ['src/testing/setup.ts'], css: false, isolate: false, server: { deps: { inline: ['vuetify'] } } },
});
