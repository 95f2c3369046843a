/** The source of a rule in Chinese, which alone is binding, and in English. */
export function cited(zh: string, en: string) {
  return { citation: zh, citationIn: { zh, en } };
}

export const ARTICLE_44 = cited(
  '《未成年人网络保护条例》（国务院令第766号）第四十四条',
  'Regulations on the Protection of Minors on the Internet (State Council Decree No. 766), Art. 44',
);
