import { cnGame, type Policy } from '@spendcap/core';

export interface OperatorPolicyOptions {
  readonly version: string;
  /** The operator's daily figure for ages 8 to under 16; a decimal string in CNY. */
  readonly daily8to15?: string;
}

/** `cn-game` with a rule of the operator's own on top: no blind boxes for minors. */
export function operatorPolicy({ version, daily8to15 }: OperatorPolicyOptions): Policy {
  const law = cnGame(daily8to15 === undefined ? {} : { daily: { age8to15: daily8to15 } });
  return {
    ...law,
    version,
    bands: law.bands.map((band) =>
      band.maxAgeExclusive === null
        ? band
        : { ...band, forbiddenCategories: [noLootBoxes(`${band.minAge}`)] },
    ),
  };
}

function noLootBoxes(band: string) {
  return {
    id: `operator.${band}.no-loot-boxes`,
    category: 'loot_box',
    citation: "The operator's own rule",
    status: 'operator' as const,
    effectiveFrom: '2024-01-01',
  };
}
