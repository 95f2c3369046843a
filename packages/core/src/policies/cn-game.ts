import { assertOptions } from '../option-names.ts';
import { type Policy, parsePolicy } from '../policy.ts';
import { ARTICLE_44, cited } from './cited.ts';

const NOTICE_2019 = cited(
  '国家新闻出版署《关于防止未成年人沉迷网络游戏的通知》国新出发〔2019〕34号',
  'Notice on Preventing Minors from Indulging in Online Games, Guo Xin Chu Fa [2019] No. 34',
);

/** The operator's daily limits, decimal strings in CNY. */
export interface CnGameOptions {
  readonly daily?: {
    /** Ages 8 to under 16. Default `"100"`. */
    readonly age8to15?: string;
    /** Ages 16 to under 18. Default `"200"`. */
    readonly age16to17?: string;
  };
}

/**
 * Games in mainland China. The 2019 notice caps a minor's top-ups with one game enterprise: under 8
 * nothing; 8 to under 16, CNY 50 per transaction and 200 a month; 16 to under 18, CNY 100 and 400.
 * Article 44 of the 2024 Regulations also requires a daily limit but names no amount, so the
 * operator sets it; the defaults have status `operator`. The 2021 notice allows only players
 * registered with the national real-name system, so an age must be `verified`.
 *
 * @throws TypeError for an unknown option
 * @throws SpendcapError `policy_invalid` if a daily limit is not an amount in CNY
 * @example
 * ```ts
 * import { cnGame } from '@spendcap/core';
 * const policy = cnGame({ daily: { age8to15: '80' } });
 * policy.bands[1]?.limits.map(({ period, max }) => `${period} ${max}`);
 * // => ['transaction 50', 'day 80', 'month 200']
 * ```
 */
export function cnGame(options: CnGameOptions = {}): Policy {
  assertOptions('cnGame', options, { daily: true });
  const { daily = {} } = options;
  assertOptions('cnGame daily', daily, { age8to15: true, age16to17: true });
  const band = (ages: string, caps: { once: string; day: string; month: string }) => [
    notice(`cn-game.${ages}.transaction`, 'transaction', caps.once),
    {
      id: `cn-game.${ages}.day`,
      period: 'day',
      max: caps.day,
      ...ARTICLE_44,
      status: 'operator',
      effectiveFrom: '2024-01-01',
    },
    notice(`cn-game.${ages}.month`, 'month', caps.month),
  ];
  const { age8to15 = '100', age16to17 = '200' } = daily;
  return parsePolicy({
    id: 'cn-game',
    version: '2024-01-01',
    effectiveFrom: '2024-01-01',
    jurisdiction: 'CN',
    currency: 'CNY',
    timeZone: 'Asia/Shanghai',
    scope: 'enterprise',
    unverified: 'refuse',
    minimumAssurance: 'verified',
    refunds: 'original_window',
    bands: [
      { minAge: 0, maxAgeExclusive: 8, limits: [], forbidden: forbiddenUnder8 },
      {
        minAge: 8,
        maxAgeExclusive: 16,
        limits: band('8-15', { once: '50', day: age8to15, month: '200' }),
      },
      {
        minAge: 16,
        maxAgeExclusive: 18,
        limits: band('16-17', { once: '100', day: age16to17, month: '400' }),
      },
      { minAge: 18, maxAgeExclusive: null, limits: [] },
    ],
  });
}

const forbiddenUnder8 = {
  id: 'cn-game.0-7.forbidden',
  ...NOTICE_2019,
  status: 'law',
  effectiveFrom: '2019-11-01',
};

function notice(id: string, period: 'transaction' | 'month', max: string) {
  return { id, period, max, ...NOTICE_2019, status: 'law', effectiveFrom: '2019-11-01' };
}
