// imapflow's fetch loop over a folder: what one would otherwise take. It stores
// nothing. Arguments: port, user, password; prints the messages and seconds.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../tests/package.json', import.meta.url));
const { ImapFlow } = require('imapflow');

const [port, user, pass] = process.argv.slice(2);
const start = process.hrtime.bigint();
const client = new ImapFlow({
	host: '127.0.0.1', port: Number(port), secure: false,
	doSTARTTLS: false, auth: { user, pass }, logger: false,
});
await client.connect();
await client.mailboxOpen('INBOX', { readOnly: true });
let messages = 0;
for await (const message of client.fetch('1:*', { uid: true, flags: true,
	internalDate: true, size: true, envelope: true, bodyStructure: true,
	headers: ['references'] }))
	messages += message.uid > 0 ? 1 : 0;
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
await client.logout();
console.log(JSON.stringify({ messages, seconds }));
