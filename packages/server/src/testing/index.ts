export { type ProcessorSuiteOptions, processorSuite } from './processor-suite.ts';
export type {
  DeviceActions,
  ProcessorSetup,
  ProcessorWorld,
  SuitePurchase,
} from './processor-world.ts';
export { type StoreSuiteOptions, storeSuite } from './store-suite.ts';
