import vue from '@vitejs/plugin-vue';

/** Where the sandbox's shop is open; `npm start` prints it. */
const target = process.env.SHOP_URL ?? 'http://127.0.0.1:8788';
const isCustomElement = (tag) => tag.startsWith('spendcap-');

/** @type {import('vite').UserConfig} */
const config = {
  plugins: [vue({ template: { compilerOptions: { isCustomElement } } })],
  server: { proxy: { '/shop': target, '/spendcap': target } },
};
export default config;
