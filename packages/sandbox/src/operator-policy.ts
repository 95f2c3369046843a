import { cnGame, type Policy } from '@spendcap/core';

const zh = '运营者自行规定（沙盒）';
/** The source of what the operator adds. */
export const HOUSE_RULE = {
  citation: zh,
  citationIn: { zh, en: 'House rule of the operator (sandbox)' },
} as const;

export interface OperatorPolicyOptions {
  readonly version: string;
  /** The operator's daily cap for ages 8 to under 16; a decimal string in CNY. */
  readonly daily8to15?: string;
}

/** `cn-game` with additional rules of the operator: no loot boxes and no tips for minors. */
export function operatorPolicy({ version, daily8to15 }: OperatorPolicyOptions): Policy {
  const law = cnGame(daily8to15 === undefined ? {} : { daily: { age8to15: daily8to15 } });
  return {
    ...law,
    version,
    bands: law.bands.map((band) =>
      band.maxAgeExclusive === null
        ? band
        : { ...band, forbiddenCategories: ['loot_box', 'tip'].map(forbidden(band.minAge)) },
    ),
  };
}

function forbidden(minAge: number) {
  return (category: string) => ({
    id: `operator.${minAge}.${category}`,
    category,
    ...HOUSE_RULE,
    status: 'operator' as const,
    effectiveFrom: '2024-01-01',
  });
}
