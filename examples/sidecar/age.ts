// Simulates the age authority: writes its key set to a file and prints one player's age token.
import { writeFileSync } from 'node:fs';
import { ageIssuer } from '@spendcap/sandbox';

const [issuer = '', audience = '', file = ''] = process.argv.slice(2);
const authority = await ageIssuer({ issuer, audience });
writeFileSync(file, JSON.stringify(authority.jwks));
console.log(await authority.issue({ subject: 'player-12', age: 12, expiresInSeconds: 3600 }));
