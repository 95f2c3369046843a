export { defineMessages } from './define.ts';
export type { MessageKey, Messages } from './format.ts';
