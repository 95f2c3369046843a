import { createClient } from '@spendcap/client';
import { defineElements } from '@spendcap/client/elements';
import { messages as english } from '@spendcap/client/languages/en';
import { messages as chinese } from '@spendcap/client/languages/zh-CN';
import { createApp } from 'vue';
import App from './app.vue';

/** The sandbox's player; a real game knows its player by a session. */
const PLAYER = '/shop/players/player-12';

const client = createClient({
  url: `${location.origin}/spendcap`,
  ageToken: async () => (await fetch(`${PLAYER}/age-token`)).text(),
  newId: () => crypto.randomUUID().replaceAll('-', ''),
  lookUp: async (id) => {
    const response = await fetch(`${PLAYER}/purchases/${id}`);
    if (!response.ok) return response;
    const { state } = (await response.json()).purchase;
    return { payment: { committed: 'paid', reserved: 'pending' }[state] ?? 'failed' };
  },
});
defineElements({ client, languages: [chinese, english] });

createApp(App, { player: PLAYER }).mount('#app');
