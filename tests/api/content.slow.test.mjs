// Mail servers that take for ever: the reader is told in time, others are
// served meanwhile.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { connect, emailOf, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, member, stranger, p;

const read = (who, account, email) =>
	who.get(`/api/accounts/${account}/emails/${email.id}/body`);

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	p = people(house);
	member = client(house).as({ cookie: p.member.cookie });
	stranger = client(house).as({ cookie: p.stranger.cookie });
	for (const [who, account, user] of [[member, p.account, 'support'],
		[stranger, p.other, 'sales']]) {
		const imap = await mailbox(house, user);
		for (const subject of ['a', 'b', 'c'])
			await imap.append('INBOX', message({ subject }));
		await imap.logout();
		await sync(who, account, await connect(who, account, user));
	}
	await house.stop('sync');
});
after(() => house?.end());

/** A server that greets and then sends a byte a second. */
async function dripping() {
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.write('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n');
		const timer = setInterval(() => socket.write('*'), 1000);
		socket.on('close', () => clearInterval(timer));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return server;
}

test('a server of a byte a second holds half the readers, 20 s', async () => {
	const server = await dripping();
	sql(house, `UPDATE credential SET port = ${server.address().port}
		WHERE account_id = ${p.account}`);
	const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((subject) =>
		emailOf(member, p.account, subject)));
	const other = await emailOf(stranger, p.other, 'a');
	const began = Date.now();
	const waiting = [a, b].map((e) => read(member, p.account, e));
	while (await new Promise((done) =>
		server.getConnections((_, n) => done(n))) < 2)
		await once(server, 'connection');

	const third = await read(member, p.account, c);
	assert.deepEqual([third.status, third.json.code], [503, 'retry']);
	assert.ok(third.headers['retry-after']);
	assert.equal((await read(stranger, p.other, other)).status, 200);
	assert.ok(Date.now() - began < 10000);

	for (const { status, json } of await Promise.all(waiting))
		assert.deepEqual([status, json.code], [504, 'transient_timeout']);
	const took = Date.now() - began;
	assert.ok(took > 10000 && took < 25000, `${took} ms`);
	server.close();
});
