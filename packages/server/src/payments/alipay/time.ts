const CHINA_MS = 8 * 3_600_000;

/**
 * `yyyy-MM-dd HH:mm:ss` in China, which has no daylight saving time: Alipay's times have no zone.
 *
 * @param at epoch milliseconds
 */
export function chinaTime(at: number): string {
  return new Date(at + CHINA_MS).toISOString().slice(0, 19).replace('T', ' ');
}
