export {
  type OppoOptions,
  oppoChannel,
  type VivoOptions,
  vivoChannel,
  type XiaomiOptions,
  xiaomiChannel,
} from './channels.ts';
export type { CallbackAnswer, SignedCallbackOptions } from './options.ts';
export { signedCallbackProcessor } from './processor.ts';
export type { SignatureScheme, SignedText } from './signature.ts';
