// Provider credentials: what is kept, what is never shown, and that nobody
// leads a stored secret elsewhere.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, p, member, all;

const CANARY = 'canary-Zo7!"\\ä-secret';

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix'],
		set: ['log_level = debug'] });
	api = client(house);
	p = people(house);
	member = api.as({ cookie: p.member.cookie });
	all = `/api/accounts/${p.account}/provider-credentials`;
});
after(() => house?.end());

const review = (more = {}) => ({
	provider_kind: 'imap', label: 'Review', host: '127.0.0.1',
	port: Number(house.imaps_port), security_mode: 'ssl_tls',
	secret: { username: 'review@letterrack.test', password: 'letterrack' },
	...more,
});

async function create(more) {
	const answer = await member.post(all, review(more));
	assert.equal(answer.status, 201, answer.text);
	return answer.json.data;
}

/** A server on loopback that keeps no test from ending. */
async function listen(talk) {
	const server = net.createServer((socket) => {
		socket.unref();
		socket.on('error', () => {});
		talk(socket);
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	return server.unref();
}

const one = (row, verb = '') =>
	`/api/provider-credentials/${row.id}${verb && `/${verb}`}`;

describe('keeping', () => {
	test('what is written is shown, the secret is not', async () => {
		const row = await create({ email_address: 'review@letterrack.test' });
		assert.match(row.id, /^pc_\d+$/);
		assert.equal(row.account_id, `acc_${p.account}`);
		assert.equal(row.username_masked, 'r***@letterrack.test');
		assert.equal(row.status, 'unverified');
		assert.ok(!('secret' in row));
		const got = await member.get(one(row));
		assert.deepEqual(got.json.data, row);
		assert.ok(!got.text.includes('letterrack"'));
	});
	test('what it counted goes with it', async () => {
		const row = await create();
		const total = async () => (await member.get(
			`/api/accounts/${p.account}/emails`)).json.meta.total;
		const before = await total();
		sql(house, `INSERT INTO email (application_id, account_id,
			credential_id, subject, received_at)
			SELECT application_id, account_id, id, n::text, now()
			FROM credential, generate_series(1, 3) n
			WHERE id = ${row.id.slice(3)};
			INSERT INTO counter (application_id, account_id, name, n)
			SELECT ${p.application}, ${p.account}, name, 3
			FROM unnest(ARRAY['emails', 'unread']) name
			ON CONFLICT (account_id, name) DO UPDATE SET n = counter.n + 3`);
		assert.equal(await total(), before + 3);
		assert.equal((await member.delete(one(row))).status, 204);
		assert.equal(await total(), before);
		assert.equal(Number(sql(house, `SELECT n FROM counter
			WHERE account_id = ${p.account} AND name = 'unread'`)), before);
	});
	test('ports have the custom of their kind', async () => {
		for (const [kind, mode, port] of [['imap', 'ssl_tls', 993],
			['imap', 'starttls', 143], ['smtp', 'ssl_tls', 465],
			['smtp', 'starttls', 587]])
			assert.equal((await create({ provider_kind: kind,
				security_mode: mode, port: undefined })).port, port);
	});
	test('lists page by cursor, filter by kind and words', async () => {
		const mine = people(house);
		const list = `/api/accounts/${mine.account}/provider-credentials`;
		const them = api.as({ cookie: mine.member.cookie });
		for (let i = 0; i < 5; i++)
			await them.post(list, review({ label: `Box ${i}`,
				provider_kind: i % 2 ? 'smtp' : 'imap' }));
		const seen = [];
		let cursor = '';
		do {
			const { json } = await them.get(`${list}?limit=2${cursor}`);
			assert.equal(json.meta.total, 5);
			seen.push(...json.data.map((r) => r.label));
			cursor = json.meta.next_cursor && `&cursor=${json.meta.next_cursor}`;
		} while (cursor);
		assert.deepEqual(seen, [0, 1, 2, 3, 4].map((i) => `Box ${i}`));
		assert.equal((await them.get(`${list}?provider_kind=smtp`))
			.json.data.length, 2);
		assert.equal((await them.post(`${list}/search`, { query: 'box 3' }))
			.json.data.length, 1);
		assert.equal((await them.get(`${list}?cursor=mangled`)).status, 400);
	});
	test('one default of a kind', async () => {
		const [a, b] = [await create({ is_default: true }),
			await create({ is_default: true })];
		assert.equal((await member.get(one(a))).json.data.is_default, false);
		assert.equal((await member.get(one(b))).json.data.is_default, true);
	});
	test('removed is gone, and what sent through it goes on', async () => {
		const smtp = await create({ provider_kind: 'smtp' });
		const imap = await create({ smtp_credential_id: smtp.id });
		assert.equal(imap.smtp_credential_id, smtp.id);
		assert.equal((await member.delete(one(smtp))).status, 204);
		assert.equal((await member.get(one(smtp))).status, 404);
		assert.equal((await member.get(one(imap))).json.data
			.smtp_credential_id, null);
	});
	test('each change is in the log, with who and which, in one transaction',
		async () => {
			const row = await create();
			await member.patch(one(row), { label: 'Other' });
			await member.delete(one(row));
			const log = sql(house, `SELECT string_agg(action || ' ' || status,
				', ' ORDER BY id) FROM log WHERE
				data ->> 'credential_id' = '${row.id}'
				AND data ->> 'user_id' = 'uid_${p.member.user}'`);
			assert.equal(log,
				'create succeeded, update succeeded, delete succeeded');
		});
});

describe('under an Idempotency-Key', () => {
	const send = (key, more) => member.post(all, review(more),
		{ 'idempotency-key': key });

	test('made once, and answered again', async () => {
		const [a, b] = [await send('k1'), await send('k1')];
		assert.deepEqual([a.status, b.status], [201, 201]);
		assert.equal(b.headers['idempotency-replayed'], 'true');
		assert.deepEqual(a.json, b.json);
	});
	test('another secret is another request', async () => {
		await send('k2');
		const other = await send('k2', { secret: { username: 'a',
			password: 'b' } });
		assert.equal(other.status, 422);
		assert.equal(other.json.code, 'idempotency_key_reused');
	});
	test('what is kept of it is no way to try passwords', async () => {
		await send('k3');
		const bytes = `${all}\0${JSON.stringify(review())}`;
		const kept = sql(house, `SELECT encode(request_hash, 'hex')
			FROM idempotency WHERE key = 'k3'`);
		assert.match(kept, /^[0-9a-f]{64}$/);
		assert.notEqual(kept,
			createHash('sha256').update(bytes).digest('hex'));
	});
});

describe('what is refused', () => {
	const field = (answer, name) => {
		assert.equal(answer.status, 422, answer.text);
		assert.ok(answer.json.errors.some((e) => e.field === name),
			`${name}: ${answer.text}`);
	};
	for (const [name, more, at] of [
		['a host with CRLF', { host: 'a\r\nb' }, 'host'],
		['a host with a path', { host: 'a/b' }, 'host'],
		['a host with a port', { host: 'a:1' }, 'host'],
		['port 0', { port: 0 }, 'port'],
		['port 65536', { port: 65536 }, 'port'],
		['a port as text', { port: '993' }, 'port'],
		['another kind', { provider_kind: 'pop3' }, 'provider_kind'],
		['plain text to elsewhere', { security_mode: 'none',
			host: 'mail.example.org' }, 'security_mode'],
		['no secret', { secret: undefined }, 'secret'],
		['no password', { secret: { username: 'a' } }, 'secret.password'],
		['CR LF in the user name', { secret: { username: 'a\r\nb',
			password: 'x' } }, 'secret.username'],
		['a NUL in the user name', { secret: { username: 'a\u0000b',
			password: 'x' } }, null],
		['CR LF in the password', { secret: { username: 'a',
			password: 'x\r\ny' } }, 'secret.password'],
		['a control in the password', { secret: { username: 'a',
			password: 'x\u0007' } }, 'secret.password'],
		['U+2028 in the user name', { secret: { username: 'a\u2028b',
			password: 'x' } }, 'secret.username'],
		['CR LF in the folder', { quarantine_folder: 'a\r\nb' },
			'quarantine_folder'],
		['an unknown field', { nothing: 1 }, 'nothing'],
		['a field of ours', { status: 'valid' }, 'status'],
		['an account of ours', { account_id: 'acc_1' }, 'account_id'],
		['a sender of nobody', { smtp_credential_id: 'pc_99999999' },
			'smtp_credential_id'],
		['a synced SMTP account', { provider_kind: 'smtp',
			sync_mode: 'poll' }, 'sync_mode'],
	])
		test(name, async () => {
			const answer = await member.post(all, review(more));
			if (at)
				field(answer, at);
			else
				assert.equal(answer.status, 400);
		});
	test('a sender of another account, as one of nobody', async () => {
		const theirs = await api.as({ cookie: p.stranger.cookie }).post(
			`/api/accounts/${p.other}/provider-credentials`,
			review({ provider_kind: 'smtp' }));
		const plain = (a) => a.text.replace(/"request_id":"[^"]*"/, '');
		const [a, b] = [await member.post(all, review({
			smtp_credential_id: theirs.json.data.id })),
		await member.post(all, review({ smtp_credential_id: 'pc_99999999' }))];
		assert.equal(plain(a), plain(b));
	});
	test('an IMAP account as sender', async () => {
		field(await member.post(all, review({
			smtp_credential_id: (await create()).id })), 'smtp_credential_id');
	});
	test('plain text to this host itself is allowed', async () => {
		await create({ security_mode: 'none', port: Number(house.imap_port) });
	});
});

describe('a stored secret is not led elsewhere', () => {
	let listener, heard, row;
	before(async () => {
		heard = [];
		listener = await listen((socket) => {
			socket.write('* OK ready\r\n');
			socket.on('data', (d) => heard.push(d.toString()));
		});
		row = await create({ security_mode: 'starttls',
			port: Number(house.imap_port) });
	});
	after(() => listener.close());

	for (const [name, change] of Object.entries({
		host: () => ({ host: 'localhost' }),
		port: () => ({ port: listener.address().port }),
		security_mode: () => ({ security_mode: 'none' }),
		'all three': () => ({ host: 'localhost', security_mode: 'none',
			port: listener.address().port }),
	}))
		test(`${name} alone`, async () => {
			const answer = await member.patch(one(row), change());
			assert.equal(answer.status, 422);
			assert.equal(answer.json.errors[0].field, 'secret');
			assert.equal(answer.json.errors[0].code, 'required');
			await member.post(one(row, 'test'));
			assert.deepEqual(heard, []);
		});
	test('sent back unchanged, they need none', async () => {
		const answer = await member.patch(one(row), { host: row.host,
			port: row.port, security_mode: row.security_mode, label: 'Same' });
		assert.equal(answer.status, 200);
		assert.equal(answer.json.data.label, 'Same');
	});
	test('with a secret they change, and nothing is known of it yet',
		async () => {
			await member.post(one(row, 'test'));
			assert.equal((await member.get(one(row))).json.data.status, 'valid');
			const answer = await member.patch(one(row), { host: 'localhost',
				secret: { username: 'x@y.test', password: 'new' } });
			assert.equal(answer.status, 200);
			assert.equal(answer.json.data.host, 'localhost');
			assert.equal(answer.json.data.status, 'unverified');
			assert.equal(answer.json.data.username_masked, 'x***@y.test');
		});
});

describe('tests', () => {
	const states = (answer) => answer.json.data.checks
		.map((c) => `${c.name} ${c.status}`);

	for (const [name, more] of Object.entries({
		'IMAP with TLS': () => ({}),
		'IMAP with STARTTLS': () => ({ security_mode: 'starttls',
			port: Number(house.imap_port) }),
		'IMAP in plain text': () => ({ security_mode: 'none',
			port: Number(house.imap_port) }),
		'SMTP with STARTTLS': () => ({ provider_kind: 'smtp',
			security_mode: 'starttls', port: Number(house.submission_port) }),
		'SMTP in plain text': () => ({ provider_kind: 'smtp',
			security_mode: 'none', port: Number(house.submission_port) }),
	})) {
		test(`${name}: the right password`, async () => {
			const row = await create(more());
			const answer = await member.post(one(row, 'test'));
			assert.equal(answer.status, 200);
			assert.equal(answer.json.data.status, 'valid', answer.text);
			assert.ok(states(answer).every((s) => s.endsWith(' ok')));
			const after = (await member.get(one(row))).json.data;
			assert.equal(after.status, 'valid');
			assert.ok(after.last_tested_at);
			assert.equal(after.last_error_code, null);
		});
		test(`${name}: a wrong password`, async () => {
			const row = await create({ ...more(), secret: {
				username: 'review@letterrack.test', password: CANARY } });
			const answer = await member.post(one(row, 'test'));
			assert.equal(answer.status, 200);
			assert.equal(answer.json.data.status, 'invalid', answer.text);
			assert.equal(answer.json.data.error_code, 'auth_failed');
			assert.equal(states(answer).at(-1), 'login failed');
			assert.ok(!answer.text.includes('canary'));
			const after = (await member.get(one(row))).json.data;
			assert.equal(after.status, 'invalid');
			assert.equal(after.last_error_code, 'auth_failed');
		});
	}
	test('a port that nobody listens on says nothing about the secret',
		async () => {
			const row = await create({ port: 9 });
			const answer = await member.post(one(row, 'test'));
			assert.equal(answer.json.data.status, 'unverified');
			assert.equal(answer.json.data.error_code, 'transient_connection');
			assert.deepEqual(states(answer),
				['connect failed', 'tls skipped', 'login skipped']);
		});
	test('a certificate for another name', async () => {
		const row = await create({ host: 'localhost.localdomain' });
		sql(house, `UPDATE credential SET host = '127.0.0.2'
			WHERE id = ${row.id.slice(3)}`);
		const answer = await member.post(one(row, 'test'));
		assert.match(answer.json.data.error_code,
			/^(config_tls|transient_connection)$/);
		assert.notEqual(answer.json.data.status, 'valid');
	});
	test('a private address is not dialled', async () => {
		const told = new Set();
		for (const host of ['10.0.0.1', '169.254.169.254', '192.168.1.1',
			'::ffff:10.0.0.1', '2002:0a00:0001::1', '64:ff9b::10.0.0.1',
			'nowhere.invalid']) {
			const row = await create({ host });
			const answer = await member.post(one(row, 'test'));
			assert.equal(answer.json.data.error_code, 'config_host', host);
			assert.equal(states(answer)[0], 'connect failed');
			told.add(answer.json.data.error_detail);
		}
		// Nobody learns which names and networks there are behind the wall.
		assert.equal(told.size, 1, [...told].join());
	});
	test('a server that is silent: ten seconds, and half of the pool at most',
		async () => {
			const sockets = [];
			const silent = await listen((s) => {
				sockets.push(s);
			});
			const row = await create({ security_mode: 'none',
				port: silent.address().port });
			const begun = Date.now();
			const waiting = [1, 2].map(() => member.post(one(row, 'test')));
			while (sockets.length < 2)
				await new Promise((done) => setTimeout(done, 10));
			const third = await member.post(one(row, 'test'));
			assert.equal(third.status, 503);
			assert.ok(third.headers['retry-after']);
			const stranger = api.as({ cookie: p.stranger.cookie });
			const theirs = (await stranger.post(
				`/api/accounts/${p.other}/provider-credentials`, review()))
				.json.data;
			assert.equal((await stranger.post(one(theirs, 'test'))).json.data
				.status, 'valid');
			for (const answer of await Promise.all(waiting)) {
				assert.equal(answer.status, 200);
				assert.equal(answer.json.data.error_code, 'transient_timeout');
			}
			assert.ok(Date.now() - begun < 12000);
			silent.close();
			sockets.forEach((s) => s.destroy());
		});
	test('a server without AUTH is no success', async () => {
		const mute = await listen((s) => {
			s.write('220 mute ESMTP\r\n');
			s.on('data', (d) => s.write(/^(EHLO|HELO)/i.test(d.toString())
				? '250 mute\r\n' : '221 bye\r\n'));
		});
		const row = await create({ provider_kind: 'smtp',
			security_mode: 'none', port: mute.address().port });
		const answer = await member.post(one(row, 'test'));
		assert.equal(answer.json.data.error_code, 'auth_failed');
		mute.close();
	});
	test('nor is one that lets everybody in', async () => {
		const open = await listen((s) => {
			s.write('* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n');
			s.on('data', (d) => s.write(
				`* CAPABILITY IMAP4rev1\r\n${d.toString().split(' ')[0]} OK\r\n`));
		});
		const row = await create({ security_mode: 'none',
			port: open.address().port });
		const answer = await member.post(one(row, 'test'));
		assert.equal(answer.json.data.error_code, 'auth_failed');
		open.close();
	});
	for (const caps of ['IMAP4rev1', 'IMAP4rev1 AUTH=PLAIN SASL-IR'])
	test(`one of ${caps} that says the secret back is not believed`, async () => {
		const echo = await listen((s) => {
			s.write(`* OK [CAPABILITY ${caps}] ready\r\n`);
			s.on('data', (d) => {
				const [, tag, verb, rest] = /^(\S+) (\S+)(.*)/s
					.exec(d.toString()) ?? [];
				if (verb === 'CAPABILITY')
					s.write(`* CAPABILITY ${caps}\r\n${tag} OK\r\n`);
				else if (tag)
					s.write(`${tag} NO wrong: ${rest}`);
			});
		});
		const row = await create({ security_mode: 'none',
			port: echo.address().port, secret: { username: 'u',
				password: 'canary-"echo' } });
		const answer = await member.post(one(row, 'test'));
		assert.equal(answer.json.data.error_code, 'auth_failed');
		assert.ok(!/canary|wrong/.test(answer.text), answer.text);
		echo.close();
	});
});

describe('rotation', () => {
	test('a secret that works replaces the old one', async () => {
		const row = await create({ secret: { username: 'sales@letterrack.test',
			password: 'old' } });
		const answer = await member.post(one(row, 'rotate'), { secret: {
			username: 'review@letterrack.test', password: 'letterrack' } });
		assert.equal(answer.status, 200, answer.text);
		assert.equal(answer.json.data.status, 'valid');
		assert.equal(answer.json.data.username_masked, 'r***@letterrack.test');
		assert.equal((await member.post(one(row, 'test'))).json.data.status,
			'valid');
	});
	test('one that does not leaves the old one', async () => {
		const row = await create();
		const answer = await member.post(one(row, 'rotate'), { secret: {
			username: 'review@letterrack.test', password: CANARY } });
		assert.equal(answer.status, 422);
		assert.equal(answer.json.errors[0].field, 'secret');
		assert.equal(answer.json.errors[0].code, 'auth_failed');
		assert.equal((await member.post(one(row, 'test'))).json.data.status,
			'valid');
		assert.equal(sql(house, `SELECT string_agg(action || ' ' || status, ','
			ORDER BY id) FROM log WHERE
			data ->> 'credential_id' = '${row.id}' AND action = 'rotate'`),
		'rotate failed');
	});
	test('a server that is away is not the caller\'s fault', async () => {
		const row = await create({ port: 9 });
		assert.equal((await member.post(one(row, 'rotate'), { secret: {
			username: 'a', password: 'b' } })).status, 502);
	});
	test('a change meanwhile wins', async () => {
		let row;
		const slow = await listen((s) => {
			sql(house, `UPDATE credential SET secret_version =
				secret_version + 1 WHERE id = ${row.id.slice(3)}`);
			s.write('* OK [CAPABILITY IMAP4rev1] ready\r\n');
			s.on('data', (d) => {
				const [, tag, verb] = /^(\S+) (\S+)/.exec(d.toString()) ?? [];
				s.write(`${verb === 'CAPABILITY'
					? '* CAPABILITY IMAP4rev1\r\n' : ''}${tag} OK\r\n`);
			});
		});
		row = await create({ security_mode: 'none',
			port: slow.address().port });
		const answer = await member.post(one(row, 'rotate'), { secret: {
			username: 'a', password: 'b' } });
		assert.equal(answer.status, 409, answer.text);
		slow.close();
	});
});

describe('theft', () => {
	const plain = ['canary-Zo7', Buffer.from('canary-Zo7').toString('base64'),
		Buffer.from('canary-Zo7').toString('hex')];

	test('no dump of the database and no log shows a secret', async () => {
		const row = await create({ secret: { username: 'u', password: CANARY } });
		await member.post(one(row, 'test'));
		await member.post(all, review({ secret: { username: 'u\n',
			password: CANARY } }));
		await member.post(all, `{"secret": {"password": "${'canary-Zo7'}`,
			{ 'content-type': 'application/json' });
		const places = {
			dump: execFileSync('pg_dump', ['-d', house.database_super],
				{ encoding: 'latin1', maxBuffer: 1 << 28 }),
			logs: execFileSync('sh', ['-c', 'cat "$0"/*', house.logs],
				{ encoding: 'latin1', maxBuffer: 1 << 28 }),
			list: (await member.get(`${all}?limit=200`)).text,
		};
		assert.match(places.dump, /COPY letterrack\.credential/);
		assert.match(places.logs, /provider-credentials/);
		for (const [where, text] of Object.entries(places))
			for (const form of plain)
				assert.ok(!text.includes(form), `${where} shows ${form}`);
	});
	test('a sealed secret copied to another row opens nothing', async () => {
		const [mine, theirs] = [await create(), await create()];
		sql(house, `UPDATE credential t SET secret = s.secret, secret_key_id =
			s.secret_key_id FROM credential s WHERE t.id =
			${mine.id.slice(3)} AND s.id = ${theirs.id.slice(3)}`);
		const answer = await member.post(one(mine, 'test'));
		assert.equal(answer.status, 500);
		assert.equal(answer.json.code, 'internal_error');
		assert.equal((await member.post(one(theirs, 'test'))).status, 200);
	});
});
