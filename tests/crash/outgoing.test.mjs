// Mail of the service and a letterrack-sync that is killed on its way: never two
// copies, never lost without a state that says so. With a real Postfix, and with
// stand-ins for the answers that it never gives.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { mailbox } from '../lib/mail.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, imap, application;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix'] });
	imap = await mailbox(house, 'outside');
	application = sql(house, 'SELECT min(id) FROM application');
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

/** A program as the service's user; { status, signal, err }. */
async function run(path, args, env = {}) {
	const child = spawn('setpriv', [`--reuid=${house.user}`,
		`--regid=${house.user}`, '--clear-groups', '--',
		`${house.prefix}/${path}`, ...args], {
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let out = '', err = '';
	child.stdout.on('data', (piece) => { out += piece; });
	child.stderr.on('data', (piece) => { err += piece; });
	const [status, signal] = await once(child, 'close');
	return { status, signal, out, err };
}
const pass = (env) => run('bin/letterrack-sync', [], env);
const queue = (...args) => run('sbin/letterrackctl', ['queue', ...args]);

/** A message in the queue; { id, stem }. */
function add(to = 'outside@letterrack.test') {
	const stem = randomBytes(16).toString('hex');
	const message = `To: ${to}\r\nSubject: ${stem}\r\n\r\nHello.\r\n.dot\r\n`;
	sql(house, `SELECT door_outgoing_add(${application}, 'test', '${to}',
		'${stem}', convert_to('${message.replaceAll('\r\n',
		"' || E'\\r\\n' || '")}', 'UTF8'))`);
	return { stem, id: sql(house,
		`SELECT id FROM outgoing WHERE stem = '${stem}'`) };
}
const row = ({ id }) => JSON.parse(sql(house, `SELECT row_to_json(o)
	FROM (SELECT state, worker, attempt_count, last_error_code AS code,
	message IS NULL AS empty, run_at > now() AS later FROM outgoing
	WHERE id = ${id}) o`));

/** How many copies have come, when Postfix has nothing on its way. */
async function copies({ stem }) {
	const marker = add();
	for (let i = 0; i < 50; i++) {
		await pass();
		const lock = await imap.getMailboxLock('INBOX');
		try {
			await imap.noop();
			if ((await imap.search({ subject: marker.stem })).length > 0)
				return (await imap.search({ header: { 'message-id':
					`<${stem}@letterrack.test>` } })).length;
		} finally {
			lock.release();
		}
		await Promise.race([once(imap, 'exists'), pause(500)]);
	}
	return assert.fail('the marker does not come');
}

const points = [
	['outgoing-claimed', 'accepted', 1],
	['outgoing-intent-before', 'accepted', 1],
	['outgoing-effect-before', 'unknown', 0],
	['outgoing-effect-after', 'unknown', 1],
	['outgoing-confirm-after', 'accepted', 1],
];

describe('killed at', () => {
	for (const [point, state, n] of points)
		test(`${point}: ${state}, ${n} in the mailbox`, async () => {
			const mail = add();
			const dead = await pass({ LETTERRACK_FAILPOINT: point });
			assert.equal(dead.signal ?? dead.status, 'SIGKILL', dead.err);
			for (let i = 0; i < 2; i++) {
				const next = await pass();
				assert.equal(next.status, 0, next.err);
				assert.equal(row(mail).state, state);
				assert.equal(row(mail).worker, null);
			}
			assert.equal(row(mail).empty, state === 'accepted');
			assert.equal(await copies(mail), n);
		});
	test('what is unknown is sent again by a person, once', async () => {
		const mail = add();
		await pass({ LETTERRACK_FAILPOINT: 'outgoing-effect-before' });
		await pass();
		assert.equal(row(mail).state, 'unknown');
		assert.match((await queue('list')).out,
			new RegExp(`^${mail.id}\t.*\tunknown\ttest\t`, 'm'));
		assert.equal((await queue('retry', mail.id)).status, 0);
		await pass();
		assert.equal(row(mail).state, 'accepted');
		assert.equal(await copies(mail), 1);
		assert.equal((await queue('retry', mail.id)).status, 65);
		assert.equal(sql(house, `SELECT count(*) FROM audit
			WHERE action = 'outgoing.retry'
			AND subject = 'outgoing_${mail.id}'`), '1');
	});
	test('what is resolved says no more, and rests', async () => {
		const mail = add();
		await pass({ LETTERRACK_FAILPOINT: 'outgoing-effect-before' });
		await pass();
		assert.equal((await queue('resolve', mail.id)).status, 0);
		assert.equal((await queue('retry', mail.id)).status, 65);
		assert.equal((await queue('resolve', mail.id)).status, 65);
		assert.equal(row(mail).empty, true);
		assert.ok(!(await queue('list')).out.includes(`\n${mail.id}\t`));
		assert.equal(await copies(mail), 0);
	});
});

describe('what Postfix says', () => {
	test('a dot and all lines arrive, signed with our name', async () => {
		const mail = add();
		assert.equal(await copies(mail), 1);
		const lock = await imap.getMailboxLock('INBOX');
		try {
			const [uid] = await imap.search({ subject: mail.stem });
			const { source } = await imap.fetchOne(String(uid),
				{ source: true });
			assert.match(String(source),
				/^From: "Letterrack" <no-reply@letterrack\.test>\r$/m);
			assert.ok(String(source).endsWith('\r\nHello.\r\n.dot\r\n'));
		} finally {
			lock.release();
		}
	});
	test('for good: failed', async () => {
		const mail = add('bounce-550@letterrack.test');
		await pass();
		const { state, code } = row(mail);
		assert.deepEqual({ state, code },
			{ state: 'failed', code: 'recipient_rejected' });
	});
	test('until later, and the next one goes', async () => {
		const mail = add('defer-451@letterrack.test'), other = add();
		await pass();
		const { state, later } = row(mail);
		assert.deepEqual({ state, later }, { state: 'queued', later: true });
		assert.equal(row(other).state, 'accepted');
		sql(house, `DELETE FROM outgoing WHERE id = ${mail.id}`);
	});
	test('nothing, being away: later; then it goes', async () => {
		await house.stop('postfix');
		const mail = add();
		await pass();
		assert.equal(row(mail).state, 'queued');
		assert.equal(row(mail).code, 'transient_connection');
		await house.start('postfix');
		await pass();
		assert.equal(row(mail).state, 'queued', 'before its pause is over');
		sql(house, `UPDATE outgoing SET run_at = now() WHERE id = ${mail.id}`);
		await pass();
		assert.equal(row(mail).state, 'accepted');
		assert.equal(await copies(mail), 1);
	});
	test('a wrong password: later, and nowhere in what is kept', async () => {
		const mail = add();
		const { err } = await pass({
			LETTERRACK_SYSTEM_SMTP_USER: 'nobody@letterrack.test' });
		assert.equal(row(mail).state, 'queued');
		assert.equal(row(mail).code, 'auth_failed');
		assert.ok(!err.includes(Buffer.from('letterrack').toString('base64')));
		sql(house, `DELETE FROM outgoing WHERE id = ${mail.id}`);
	});
});

/** A server of a few lines: `answer(line, socket)` after the message's dot. */
async function standIn(onDot, talk = {}) {
	const server = net.createServer((socket) => {
		let data = false, rest = '';
		socket.on('error', () => {});
		socket.write('220 stand-in\r\n');
		socket.on('data', (piece) => {
			rest += piece;
			for (let at; (at = rest.indexOf('\r\n')) >= 0;) {
				const line = rest.slice(0, at);
				rest = rest.slice(at + 2);
				if (data && line === '.') {
					data = false;
					server.seen++;
					onDot(socket);
				} else if (!data) {
					const verb = line.slice(0, 4).toUpperCase();
					data = verb === 'DATA';
					socket.write(talk[verb] ?? (data ? '354 go\r\n'
						: '250 ok\r\n'));
				}
			}
		});
	}).listen(0, '127.0.0.1');
	server.seen = 0;
	server.unref();
	await once(server, 'listening');
	server.env = { LETTERRACK_SYSTEM_SMTP_PORT: String(server.address().port),
		LETTERRACK_SYSTEM_SMTP_SECURITY: 'none',
		LETTERRACK_SYSTEM_SMTP_USER: '' };
	return server;
}

describe('a server that', () => {
	for (const [what, onDot, state, talk] of [
		['leaves behind the last dot', (s) => s.destroy(), 'unknown'],
		['says nonsense behind it', (s) => s.end('hm\r\n'), 'unknown'],
		['is cut off in its answer', (s) => s.end('25'), 'unknown'],
		['refuses the message', (s) => s.write('554 no\r\n'), 'failed'],
		['refuses it for a while', (s) => s.write('451 later\r\n'), 'queued'],
		['goes down behind it', (s) => s.end('421 bye\r\n'), 'queued'],
		['wants a login', () => {}, 'queued', { MAIL: '530 who?\r\n' }],
		['takes it', (s) => s.write('250 mine\r\n'), 'accepted'],
	])
		test(`${what}: ${state}, and is told once`, async () => {
			const server = await standIn(onDot, talk);
			const mail = add();
			for (let i = 0; i < 2; i++) {
				await pass(server.env);
				assert.equal(row(mail).state, state, JSON.stringify(row(mail)));
			}
			assert.equal(server.seen, talk ? 0 : 1);
			server.close();
			sql(house, `DELETE FROM outgoing WHERE id = ${mail.id}`);
		});
	test('offers no TLS gets nothing', async () => {
		const server = await standIn(() => {});
		const mail = add();
		await pass({ ...server.env,
			LETTERRACK_SYSTEM_SMTP_SECURITY: 'starttls' });
		assert.equal(row(mail).code, 'config_tls');
		assert.equal(server.seen, 0);
		server.close();
		sql(house, `DELETE FROM outgoing WHERE id = ${mail.id}`);
	});
});

describe('without a configuration', () => {
	const off = { LETTERRACK_SYSTEM_SMTP_HOST: '' };
	test('mail waits, and the log and configtest say so', async () => {
		const mail = add();
		const said = /mail of the service waits: system_smtp_host is not set/;
		assert.match((await pass(off)).err, said);
		assert.equal(row(mail).attempt_count, 0);
		const checked = await run('sbin/letterrackctl', ['configtest'], off);
		assert.match(checked.err, said);
		assert.equal(checked.status, 0, checked.err);
		await pass();
		assert.equal(row(mail).state, 'accepted');
	});
	test('the programs\' role reads no mail of the service', () => {
		for (const call of [`door_outgoing_claim('x', 1)`,
			`door_outgoing_give_back('x')`])
			assert.throws(() => sql(house, `SELECT ${call}`, house.database),
				/permission denied/);
		assert.throws(() => sql(house, 'SELECT * FROM outgoing',
			house.database_auth), /permission denied/);
	});
});
