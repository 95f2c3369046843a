import { memoryStore } from '@spendcap/server/stores/memory';
import { storeSuite } from '@spendcap/server/testing';
import { describe, test } from 'vitest';

describe('memory store', () => storeSuite({ test, open: () => memoryStore() }));
