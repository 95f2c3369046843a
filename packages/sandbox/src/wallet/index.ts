import { assertOptions } from '@spendcap/core';
import { type MdocRequest, type WalletMdoc, walletMdoc } from './mdoc.ts';
import { type SdJwtRequest, type WalletSdJwt, walletSdJwt } from './sd-jwt.ts';
import { certifiedSigner, p256 } from './signer.ts';

export type { MdocRequest, SdJwtRequest, WalletMdoc, WalletSdJwt };

/** Options of `walletIssuer`. */
export interface WalletIssuerOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** An issuer of test identity documents, see `walletIssuer`. */
export interface WalletIssuer {
  /** The root certificate to trust, PEM. */
  readonly roots: readonly string[];
  /** Issues an ISO mdoc to a new wallet key. */
  mdoc(request: MdocRequest): Promise<WalletMdoc>;
  /** Issues an SD-JWT VC to a new wallet key. */
  sdJwt(request: SdJwtRequest): Promise<WalletSdJwt>;
}

/**
 * A test issuer of identity documents and the wallets that present them, with an in-memory root
 * certificate and keys. It verifies nothing: never use it in production.
 *
 * @example
 * ```ts
 * import { walletIssuer } from '@spendcap/sandbox/wallet';
 * const issuer = walletIssuer();
 * const pid = await issuer.sdJwt({
 *   type: 'urn:eudi:pid:de:1',
 *   claims: { age_equal_or_over: { 12: true, 16: false } },
 * });
 * const presentation = await pid.present({
 *   claims: ['age_equal_or_over.16'],
 *   nonce: 'n-0S6_WzA2Mj',
 *   audience: 'x509_san_dns:game.example',
 * });
 * presentation.split('~').length; // => 4
 * ```
 */
export function walletIssuer(options: WalletIssuerOptions = {}): WalletIssuer {
  assertOptions('walletIssuer', options, { now: true });
  const { now = Date.now } = options;
  const { root, signer } = certifiedSigner(now());
  return {
    roots: [root],
    mdoc: (request) => walletMdoc(request, { signer, device: p256() }, now()),
    sdJwt: (request) => walletSdJwt(request, { signer, device: p256() }, now),
  };
}
