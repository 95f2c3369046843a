export type { DeviceKey } from './proof.ts';
export { deviceSigner } from './signer.ts';
