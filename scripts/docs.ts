// Writes the API reference to docs/api/, one module for each importable name. A broken link, or a
// public type, function or method without a docstring, fails the run.
import { relative } from 'node:path';
import { Application, type ProjectReflection, type TypeDocOptions } from 'typedoc';
import { builtEntries, listPackages, moduleNames, ROOT } from './packages.ts';

const packages = listPackages();
const names: ReadonlyMap<string, string> = new Map(
  packages.flatMap((pkg) => {
    const imported = moduleNames(pkg);
    return builtEntries(pkg).modules.map(
      ({ source }, index) =>
        [`packages/${pkg.id}/${source.slice(2)}`, imported[index] ?? ''] as const,
    );
  }),
);

/** Types in signatures that users need not name: constants behind a union, shapes of libraries. */
const INTERNAL: Readonly<Record<string, readonly string[]>> = {
  '@spendcap/client': ['AlipayResponse', 'STATUSES'],
  '@spendcap/core': ['ERROR_TABLE', 'policySchema'],
  '@spendcap/sandbox': ['Endpoint', 'SIGNATURES'],
  '@spendcap/server': [
    'AGE_CLAIMS',
    'ALGORITHMS',
    'ContextLike',
    'ExpressRequest',
    'FastifyLike',
    'INVALID',
    'IoredisClient',
    'List',
    'Method',
    'Methods',
    'NAMESPACES',
    'NodeRedisClient',
    'NodeRedisCluster',
    'NppaInvalid',
    'NppaUnavailable',
    'OfOrder',
    'OfProduct',
    'Params',
    'ParamsAfterId',
    'PaymentIntents',
    'Replaced',
    'ReviewBody',
    'Sessions',
    'SqliteFile',
    'Token',
    'VoidedQuery',
  ],
};

/** Methods of libraries that the client uses by their shape; they are documented there. */
const OF_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'transports.AlipayRequest': ['fail', 'success'],
  'transports.WechatRequest': ['fail', 'success'],
  'transports.MiniProgram': ['request'],
  'transports.XmlHttpRequest': [
    ...['abort', 'onerror', 'onload', 'open', 'send', 'setRequestHeader'],
  ],
  'device-purchases.CordovaEvents': ['approved', 'initiated', 'pending', 'verified'],
  'device-purchases.CordovaStore': [
    ...['get', 'get.__type.getOffer', 'get.__type.getOffer.__type.order', 'off', 'when'],
  ],
  'device-purchases.OpenIap': [
    ...['finishTransaction', 'getAvailablePurchases', 'requestPurchase'],
    ...['purchaseErrorListener', 'purchaseErrorListener.__type.remove'],
    ...['purchaseUpdatedListener', 'purchaseUpdatedListener.__type.remove'],
  ],
};

const options: Partial<TypeDocOptions> = {
  name: 'spendcap',
  readme: 'none',
  out: 'docs/api',
  tsconfig: 'scripts/tsconfig.docs.json',
  entryPoints: [...names.keys()],
  basePath: ROOT,
  displayBasePath: ROOT,
  disableGit: true,
  // From a page of docs/api/functions/ and the like.
  sourceLinkTemplate: '../../../{path}',
  skipErrorChecking: true, // The types have a step of their own.
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // Not each property: names such as `currency` need no docstring.
  requiredToBeDocumented: ['Class', 'Function', 'Interface', 'Method', 'TypeAlias', 'Variable'],
};

/** TypeDoc names a module after its file; readers know it by what they import. */
function renameModules(project: ProjectReflection): void {
  for (const module of project.children ?? []) {
    const file = module.sources?.[0]?.fullFileName ?? '';
    module.name = names.get(relative(ROOT, file)) ?? module.name;
  }
}

/** TypeDoc checks what one package exports and documents; the workspace has several. */
function validate(project: ProjectReflection): void {
  for (const { manifest } of packages) {
    project.packageName = manifest.name;
    app.options.setValue('intentionallyNotExported', [...(INTERNAL[manifest.name] ?? [])]);
    const shapes = manifest.name === '@spendcap/client' ? Object.entries(OF_LIBRARIES) : [];
    const undocumented = shapes.flatMap(([shape, methods]) =>
      methods.map((method) => `@spendcap/client/${shape}.${method}`),
    );
    app.options.setValue('intentionallyNotDocumented', undocumented);
    app.validate(project);
  }
}

process.chdir(ROOT);
const app = await Application.bootstrap(options);
const project = await app.convert();
if (project !== undefined) {
  renameModules(project);
  validate(project);
  await app.generateOutputs(project);
}
const { errorCount, warningCount } = app.logger;
console.log(`${names.size} modules, ${errorCount} errors, ${warningCount} warnings`);
process.exitCode = errorCount + warningCount === 0 ? 0 : 1;
