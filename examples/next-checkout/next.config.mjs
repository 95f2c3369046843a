/** Where the sandbox's shop is open; `npm start` prints it. */
const target = process.env.SHOP_URL ?? 'http://127.0.0.1:8788';

const config = {
  rewrites: async () =>
    ['/shop', '/spendcap'].map((path) => ({
      source: `${path}/:rest*`,
      destination: `${target}${path}/:rest*`,
    })),
};
export default config;
