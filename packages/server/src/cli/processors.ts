import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DeviceProcessor, Processor } from '@spendcap/core';
import { alipayProcessor } from '../payments/alipay/index.ts';
import { appleProcessor } from '../payments/apple/index.ts';
import { googlePlayProcessor } from '../payments/google-play/index.ts';
import { stripeProcessor } from '../payments/stripe/index.ts';
import { wechatPayClient, wechatPayProcessor } from '../payments/wechat-pay/index.ts';
import { codeOf } from './json-file.ts';
import type { Environment } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** A built-in processor and the variables that it needs. */
interface BuiltIn {
  readonly variables: readonly string[];
  /** `of` reads a variable, which is set. */
  open(of: (variable: string) => string, environment: Environment): Promise<AnyProcessor>;
}

type AnyProcessor = Processor | DeviceProcessor;

const BUILT_IN: Readonly<Record<string, BuiltIn>> = {
  stripe: { variables: ['STRIPE_SECRET_KEY'], open: openStripe },
  wechat_pay: {
    variables: [
      ...['WECHAT_PAY_MCH_ID', 'WECHAT_PAY_APP_IDS', 'WECHAT_PAY_SERIAL_NO'],
      ...['WECHAT_PAY_PRIVATE_KEY', 'WECHAT_PAY_API_V3_KEY'],
    ],
    open: openWechatPay,
  },
  alipay: {
    variables: ['ALIPAY_APP_ID', 'ALIPAY_SELLER_ID', 'ALIPAY_PRIVATE_KEY', 'ALIPAY_PUBLIC_KEY'],
    open: openAlipay,
  },
  google_play: {
    variables: ['GOOGLE_PLAY_PACKAGE_NAME', 'GOOGLE_APPLICATION_CREDENTIALS'],
    open: openGooglePlay,
  },
  app_store: {
    variables: [
      ...['APP_STORE_ISSUER_ID', 'APP_STORE_KEY_ID', 'APP_STORE_PRIVATE_KEY'],
      ...['APP_STORE_BUNDLE_ID', 'APP_STORE_APPLE_ID', 'APP_STORE_ENVIRONMENT'],
      'APP_STORE_ROOT_CERTIFICATES',
    ],
    open: openAppStore,
  },
};

/** The values of `--processor`. */
export const PROCESSORS = `${Object.keys(BUILT_IN).join(', ')}, or a module that exports \`processor\``;

/** What the help says of their variables. */
export const PROCESSOR_VARIABLES = Object.entries(BUILT_IN)
  .map(([name, { variables }]) => `  ${name}: ${variables.join(', ')}`)
  .join('\n');

/**
 * A built-in processor by name, with its keys from the environment, or that of a module.
 *
 * @throws UsageError that names what is missing, and quotes no key
 */
export async function openProcessor(name: string, environment: Environment): Promise<AnyProcessor> {
  const builtIn = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  if (builtIn === undefined) return ofModule(name);
  const missing = builtIn.variables.filter((variable) => (environment[variable] ?? '') === '');
  if (missing.length > 0) {
    throw new UsageError(`--processor ${name} needs the variables ${missing.join(', ')}`);
  }
  return builtIn.open((variable) => environment[variable] ?? '', environment);
}

async function openStripe(of: (variable: string) => string): Promise<Processor> {
  const { default: Stripe } = await import('stripe').catch(missingPackage('stripe'));
  return stripeProcessor({ stripe: new Stripe(of('STRIPE_SECRET_KEY')) });
}

async function openWechatPay(
  of: (variable: string) => string,
  environment: Environment,
): Promise<Processor> {
  const { WECHAT_PAY_PUBLIC_KEY_ID: id = '', WECHAT_PAY_PUBLIC_KEY: key = '' } = environment;
  const wechat = wechatPayClient({
    mchId: of('WECHAT_PAY_MCH_ID'),
    appIds: of('WECHAT_PAY_APP_IDS').split(','),
    serialNo: of('WECHAT_PAY_SERIAL_NO'),
    privateKey: of('WECHAT_PAY_PRIVATE_KEY'),
    apiV3Key: of('WECHAT_PAY_API_V3_KEY'),
    ...(id === '' ? {} : { platformKeys: { [id]: key } }),
  });
  return wechatPayProcessor({ wechat });
}

async function openAlipay(of: (variable: string) => string): Promise<Processor> {
  const { AlipaySdk } = await import('alipay-sdk').catch(missingPackage('alipay-sdk'));
  const alipay = new AlipaySdk({
    appId: of('ALIPAY_APP_ID'),
    privateKey: of('ALIPAY_PRIVATE_KEY'),
    alipayPublicKey: of('ALIPAY_PUBLIC_KEY'),
    // As Alipay's own key tool writes it.
    keyType: 'PKCS8',
  });
  return alipayProcessor({ alipay, sellerId: of('ALIPAY_SELLER_ID') });
}

async function openGooglePlay(of: (variable: string) => string): Promise<DeviceProcessor> {
  const name = '@googleapis/androidpublisher';
  const { androidpublisher, auth } = await import('@googleapis/androidpublisher').catch(
    missingPackage(name),
  );
  const account = new auth.GoogleAuth({
    keyFile: of('GOOGLE_APPLICATION_CREDENTIALS'),
    scopes: ['https://www.googleapis.com/auth/androidpublisher'],
  });
  const play = androidpublisher({ version: 'v3', auth: account });
  return googlePlayProcessor({ play, packageName: of('GOOGLE_PLAY_PACKAGE_NAME') });
}

async function openAppStore(of: (variable: string) => string): Promise<DeviceProcessor> {
  const name = '@apple/app-store-server-library';
  const { AppStoreServerAPIClient, Environment, SignedDataVerifier } = await import(
    '@apple/app-store-server-library'
  ).catch(missingPackage(name));
  const bundleId = of('APP_STORE_BUNDLE_ID');
  const { PRODUCTION, SANDBOX } = Environment;
  const environment = [PRODUCTION, SANDBOX].find((each) => each === of('APP_STORE_ENVIRONMENT'));
  if (environment === undefined) {
    throw new UsageError('APP_STORE_ENVIRONMENT must be Production or Sandbox');
  }
  const appleId = of('APP_STORE_APPLE_ID');
  if (!/^[1-9]\d{0,14}$/.test(appleId)) {
    throw new UsageError("APP_STORE_APPLE_ID must be the app's number, such as 6400000001");
  }
  const [issuerId, keyId] = [of('APP_STORE_ISSUER_ID'), of('APP_STORE_KEY_ID')];
  const key = signingKeyOf(of('APP_STORE_PRIVATE_KEY'));
  const roots = await certificatesIn(of('APP_STORE_ROOT_CERTIFICATES'));
  return appleProcessor({
    verifier: new SignedDataVerifier(roots, true, environment, bundleId, Number(appleId)),
    api: new AppStoreServerAPIClient(key, keyId, issuerId, bundleId, environment),
    ...{ bundleId, environment },
  });
}

/** The library reads a key at its first call only, which is too late for a usage error. */
function signingKeyOf(pem: string): string {
  try {
    const { asymmetricKeyDetails } = createPrivateKey(pem);
    if (asymmetricKeyDetails?.namedCurve === 'prime256v1') return pem;
  } catch {
    // Its message may quote the key.
  }
  throw new UsageError('APP_STORE_PRIVATE_KEY must be the text of a .p8 file');
}

/** Of a file of one certificate as Apple publishes it (DER), or of several in PEM. */
async function certificatesIn(file: string): Promise<Buffer[]> {
  try {
    const bytes = await readFile(file);
    const pems = bytes.toString('latin1').match(/-{5}BEGIN CERTIFICATE-{5}[^-]+-{5}END[^-]+-{5}/g);
    return (pems ?? [bytes]).map((each) => new X509Certificate(each).raw);
  } catch {
    throw new UsageError('APP_STORE_ROOT_CERTIFICATES must be a file of certificates, DER or PEM');
  }
}

function missingPackage(name: string): () => never {
  return () => {
    throw new UsageError(`--processor needs the package '${name}': npm install ${name}`);
  };
}

async function ofModule(path: string): Promise<AnyProcessor> {
  if (!/[/\\]|\.[cm]?[jt]s$/.test(path)) throw new UsageError(`--processor must be ${PROCESSORS}`);
  let module: { readonly processor?: unknown };
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    // Not its message: that of a module's own error may quote a key.
    const isMissing = codeOf(error) === 'ERR_MODULE_NOT_FOUND';
    const why = isMissing ? codeOf(error) : error instanceof Error ? error.name : 'it threw';
    throw new UsageError(`--processor: cannot load '${path}' (${why})`);
  }
  const { processor } = module;
  if (isProcessor(processor)) return processor;
  throw new UsageError(`--processor: '${path}' exports no \`processor\``);
}

function isProcessor(value: unknown): value is AnyProcessor {
  if (typeof value !== 'object' || value === null) return false;
  const { name, traits, outcomeOf } = value as Partial<AnyProcessor>;
  const isNamed = typeof name === 'string' && typeof traits === 'object';
  if (!isNamed || typeof outcomeOf !== 'function') return false;
  if (traits?.startedBy === 'device') return 'sweep' in value;
  return 'close' in value && 'query' in value;
}
