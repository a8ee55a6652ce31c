// The SMTP proxy: what programs hand over by SMTP arrives as it was, once, from
// whom it may be; nobody sends through it who may not, and nothing that is said
// to it means two things.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { mailbox } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { dial, dotted, proxy, signedOn } from '../lib/smtp.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const USER = 'demo@c-imap.local', PASSWORD = 'demo123';
const FROM = 'support@letterrack.test', OUTSIDE = 'someone@elsewhere.test';

let house, api, imap, port, ca, p, program;
const own = []; // proxies beside the house's

before(async () => {
	house = await stack({ own: true,
		with: ['dovecot', 'postfix', 'sync', 'smtpd'],
		set: ['smtp_connections_address = 500'] });
	api = client(house);
	port = house.smtpd_port;
	ca = readFileSync(house.ca);
	imap = await mailbox(house, 'outside');
	imap.setMaxListeners(0);
	p = people(house);
	program = machine(1, 1);
	sql(house, `UPDATE credential SET hold_policy = 'rules' WHERE account_id = 1
		AND provider_kind = 'imap' AND email_address = 'review@letterrack.test'`);
	sql(house, `INSERT INTO rule (application_id, account_id, name, type,
		operator, value, action, priority) SELECT 1, 1, 'money', 'keyword',
		'contains', 'urgent,payment', 'hold', 45 WHERE NOT EXISTS (SELECT
		FROM rule WHERE account_id = 1 AND value = 'urgent,payment')`);
});
after(async () => {
	for (const one of own)
		one.child.kill('SIGTERM');
	await imap?.logout();
	await house?.end();
});

/** A machine client of an account: { id, secret }. */
function machine(application, account, role = 'member') {
	const id = `cid_${randomBytes(8).toString('hex')}`, secret = 'a secret';
	const hash = createHash('sha256').update(secret).digest('hex');
	sql(house, `INSERT INTO client (id, application_id, account_id, name, role,
		secret_hash) VALUES ('${id}', ${application}, ${account}, 'smtp',
		'${role}', '\\x${hash}')`);
	return { id, secret };
}

/** A proxy with other options. */
async function another(set) {
	own.push(await proxy(house, set));
	return own.at(-1);
}

const on = (who = program, where = port) =>
	signedOn(where, who.id, who.secret);

const fresh = () => `<${randomBytes(8).toString('hex')}@letterrack.test>`;
const letter = ({ id = fresh(), from = `Support <${FROM}>`, to = OUTSIDE,
	subject = 'by smtp', more = '', body = 'Hello.\r\n' } = {}) => Buffer.from(
	`From: ${from}\r\nTo: ${to}\r\nSubject: ${subject}\r\n` +
	`Date: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: ${id}\r\n${more}` +
	`\r\n${body}`);

/** The bytes of the one message that the search finds outside (or of one of
 *  several). */
async function arrived(search, several = false) {
	const until = Date.now() + 60000;
	for (;;) {
		const lock = await imap.getMailboxLock('INBOX');
		try {
			await imap.noop();
			const found = await imap.search(search, { uid: true });
			if (found.length > 0) {
				assert.ok(several || found.length === 1,
					`${found.length} copies`);
				return (await imap.fetchOne(found[0], { source: true },
					{ uid: true })).source;
			}
		} finally {
			lock.release();
		}
		assert.ok(Date.now() < until, `${JSON.stringify(search)} does not come`);
		await Promise.race([once(imap, 'exists'), pause(200)]);
	}
}
const byId = (id) => ({ header: { 'message-id': id } });
/** What Postfix and Dovecot write before a message, taken away. */
const given = (bytes, first = 'From: ') =>
	bytes.subarray(bytes.indexOf(`\n${first}`) + 1);
const codes = (replies) => replies.map((r) => r.code);
const count = (table, id) => Number(sql(house,
	`SELECT count(*) FROM ${table} WHERE message_id = '${id}'`));
const emails = () => Number(sql(house, 'SELECT count(*) FROM email'));

/** Sends, and finds it refused at the end; the last reply. */
async function refused(c, from, to, bytes, code) {
	const replies = await c.send(from, to, bytes);
	assert.equal(replies.at(-1).code, code, replies.at(-1).text);
	return replies.at(-1);
}

describe('a message', () => {
	test('arrives as it was given, byte for byte', async () => {
		const id = fresh();
		const c = await on();
		const bytes = letter({ id, body: 'One.\r\n.\r\n..two\r\n.three\r\n' });
		const replies = await c.send(FROM, OUTSIDE, bytes);
		assert.deepEqual(codes(replies), [250, 250, 354, 250],
			replies.at(-1).text);
		assert.match(replies.at(-1).text, /^250 2\.0\.0 Taken as eml_\d+\r\n$/);
		assert.equal(given(await arrived(byId(id))).toString('latin1'),
			bytes.toString('latin1'));
		assert.equal((await c.ask('QUIT')).code, 221);
		assert.equal(await c.closed(), '');
	});
	test('of a megabyte with eight bits arrives the same way, from a file',
		async () => {
			const id = fresh();
			const body = `${'Grüße, 你好. '.repeat(5)}\r\n.dot\r\n`.repeat(10000);
			const bytes = letter({ id, body, more: 'MIME-Version: 1.0\r\n' +
				'Content-Type: text/plain; charset=utf-8\r\n' +
				'Content-Transfer-Encoding: 8bit\r\n' });
			const c = await on();
			assert.equal((await c.ask(`MAIL FROM:<${FROM}> ` +
				`SIZE=${bytes.length} BODY=8BITMIME`)).code, 250);
			c.write(`RCPT TO:<${OUTSIDE}>\r\nDATA\r\n`);
			assert.equal((await c.reply()).code, 250);
			assert.equal((await c.reply()).code, 354);
			c.write(dotted(bytes));
			assert.match((await c.reply()).text, /^250 .* Taken/);
			assert.equal(sql(house, `SELECT message IS NULL,
				raw_sha256 IS NOT NULL FROM submission
				WHERE message_id = '${id}'`), 't|t');
			const came = given(await arrived(byId(id)));
			assert.equal(came.length, bytes.length);
			assert.ok(came.equals(bytes));
			c.destroy();
		});
	test('goes to the recipients of its envelope, without its Bcc', async () => {
		const id = fresh();
		const c = await on();
		const bytes = letter({ id, to: `A <${OUTSIDE}>`,
			more: 'Cc: cc@elsewhere.test\r\nbcc :\r\n hidden@elsewhere.test\r\n' +
			'Resent-Bcc: more@elsewhere.test\r\nX-Last: 1\r\n' });
		await c.send(FROM, [OUTSIDE, 'CC@elsewhere.test', 'hidden@elsewhere.test',
			'hidden@elsewhere.test'], bytes);
		assert.equal(sql(house, `SELECT string_agg(address || ':' || kind, ' '
			ORDER BY n) FROM submission_recipient r JOIN submission s
			ON s.id = submission_id WHERE message_id = '${id}'`),
		`${OUTSIDE}:to CC@elsewhere.test:cc hidden@elsewhere.test:bcc`);
		const row = sql(house, `SELECT to_json, cc_json, bcc_json, subject,
			direction FROM email WHERE message_id = '${id}'`);
		assert.equal(row, `[{"name":"A","address":"${OUTSIDE}"}]|` +
			'[{"name":null,"address":"cc@elsewhere.test"}]|' +
			'[{"name":null,"address":"hidden@elsewhere.test"}]|by smtp|outbound');
		const came = given(await arrived(byId(id), true)).toString();
		assert.doesNotMatch(came, /bcc|hidden|more@/i);
		assert.match(came, /^X-Last: 1\r$/m);
		c.destroy();
	});
	test('gets a Message-ID and a date where it has none', async () => {
		const c = await on();
		const subject = randomBytes(8).toString('hex');
		const replies = await c.send(FROM, OUTSIDE,
			`From: ${FROM}\r\nSubject: ${subject}\r\n\r\nHello.\r\n`);
		assert.equal(replies.at(-1).code, 250, replies.at(-1).text);
		const came = (await arrived({ subject })).toString();
		assert.match(came, /^Message-ID: <[0-9a-f]{32}@letterrack\.test>\r$/m);
		assert.match(came, /^Date: \w{3}, \d{1,2} \w{3} \d{4} [\d:]{8} \+0000\r$/m);
		c.destroy();
	});
	test('may be a header alone', async () => {
		const id = fresh();
		const c = await on();
		assert.deepEqual(codes(await c.send(FROM, OUTSIDE,
			`From: ${FROM}\r\nMessage-ID: ${id}\r\n`)), [250, 250, 354, 250]);
		assert.equal(count('submission', id), 1);
		c.destroy();
	});
	test('that comes twice is sent once; another is another', async () => {
		const id = fresh();
		const bytes = letter({ id });
		const a = await on(), b = await on();
		const both = await Promise.all([a.send(FROM, OUTSIDE, bytes),
			b.send(FROM, OUTSIDE, bytes)]);
		assert.deepEqual(both.map((r) => r.at(-1).code), [250, 250]);
		assert.match((await a.send(FROM, OUTSIDE, bytes)).at(-1).text,
			/Taken before/);
		assert.equal(count('submission', id), 1);
		await a.send(FROM, [OUTSIDE, 'two@elsewhere.test'], bytes);
		await a.send(FROM, OUTSIDE, letter({ id, body: 'Other.\r\n' }));
		assert.equal(count('submission', id), 3);
		a.destroy();
		b.destroy();
	});
	test('is one of many that come in one piece', async () => {
		const c = await on();
		const ids = [fresh(), fresh(), fresh()];
		c.write(ids.map((id) => `MAIL FROM:<${FROM}>\r\nRCPT TO:<${OUTSIDE}>\r\n` +
			`DATA\r\n${dotted(letter({ id })).toString()}`).join(''));
		c.write('QUIT\r\n');
		c.end();
		const replies = [];
		for (let i = 0; i < 13; i++)
			replies.push(await c.reply());
		assert.deepEqual(codes(replies), [250, 250, 354, 250, 250, 250, 354, 250,
			250, 250, 354, 250, 221]);
		for (const id of ids)
			assert.equal(count('submission', id), 1);
	});
});

describe('review', () => {
	test('holds what a rule holds, and sends what it does not', async () => {
		const c = await on();
		const held = fresh(), free = fresh();
		const from = 'review@letterrack.test';
		const replies = await c.send(from, OUTSIDE, letter({ id: held, from,
			subject: 'Urgent: payment', body: 'Now.\r\n' }));
		assert.match(replies.at(-1).text, /Taken as eml_\d+, for review/);
		assert.match((await c.send(from, OUTSIDE, letter({ id: free, from })))
			.at(-1).text, /Taken as eml_\d+\r/);
		assert.equal(count('submission', held), 0);
		assert.equal(count('submission', free), 1);
		const [state, why, score, keywords, status, direction] = sql(house,
			`SELECT h.state, why, risk_score, array_to_string(keywords, ','),
			e.interception_status, direction
			FROM hold h JOIN email e ON e.id = h.email_id
			WHERE e.message_id = '${held}'`).split('|');
		assert.deepEqual([state, why, score, status, direction],
			['held', 'rule', '45', 'HELD', 'outbound']);
		assert.match(keywords, /urgent/i);
		assert.equal(sql(house, `SELECT array_to_string(addresses, ','), sender,
			array_to_string(kinds, ',') FROM given_held
			WHERE message_id = '${held}'`), `${OUTSIDE}|${from}|to`);
		assert.equal(sql(house, `SELECT count(*) FROM event v JOIN email e
			ON (v.data->>'email_id')::bigint = e.id
			WHERE v.name = 'message.held' AND e.message_id = '${held}'`), '1');
		const sha = sql(house, `SELECT encode(h.sha256, 'hex') FROM hold h
			JOIN email e ON e.id = h.email_id WHERE message_id = '${held}'`);
		const raw = readFileSync(`${house.state}/data/raw/1/${sha}`);
		assert.equal(createHash('sha256').update(raw).digest('hex'), sha);
		assert.match((await c.send(from, OUTSIDE, letter({ id: held, from,
			subject: 'Urgent: payment', body: 'Now.\r\n' }))).at(-1).text,
		/Taken before/);
		c.destroy();
	});
	test('lets go what is sent then, as it came or edited; a discard is not',
		async () => {
			const c = await on(), from = 'review@letterrack.test';
			const { json } = await api.post('/api/auth/login',
				{ username: 'admin', password: 'admin123' });
			const admin = api.as({ token: json.data.token });
			const ids = [fresh(), fresh(), fresh()];
			const bytes = ids.map((id, i) => letter({ id, from,
				subject: `Urgent ${i}`, body: 'Payment.\r\n' }));
			for (const one of bytes)
				assert.match((await c.send(from, OUTSIDE, one)).at(-1).text,
					/for review/);
			c.destroy();
			const emails_ = ids.map((id) => sql(house, `SELECT id FROM email
				WHERE message_id = '${id}'`));
			const go = (i, body) => admin.post(
				`/api/interception/release/${emails_[i]}`, body);
			assert.equal((await go(0, { target_folder: 'INBOX' })).status,
				400);
			const plain = await go(0, {});
			assert.ok([200, 202].includes(plain.status), plain.text);
			assert.equal(plain.json.released_to, null);
			if (plain.status === 200)
				assert.equal(plain.json.message,
					'Email released to its recipients');
			const edited = await go(1, { edited_subject: '[REVIEWED]' });
			assert.ok([200, 202].includes(edited.status), edited.text);
			assert.equal((await admin.post(
				`/api/interception/discard/${emails_[2]}`, {})).status, 200);
			assert.equal(given(await arrived(byId(ids[0]))).toString(),
				bytes[0].toString());
			const other = `<edited-${ids[1].slice(1)}`;
			const came = given(await arrived(byId(other))).toString();
			assert.match(came, /^Subject: \[REVIEWED\]\r$/m);
			assert.match(came, /Payment\./);
			assert.equal(count('submission', ids[1]), 0);
			assert.equal(count('submission', ids[2]), 0);
			assert.equal((await go(0, {})).status, 409);
		});
	test('lets go what an address without a mailbox has given', async () => {
		const from = 'only@letterrack.test', id = fresh();
		const { json } = await api.post('/api/auth/login',
			{ username: 'admin', password: 'admin123' });
		const admin = api.as({ token: json.data.token });
		const made = await admin.post('/api/accounts/acc_1/provider-credentials',
			{ provider_kind: 'smtp', label: 'only', host: '127.0.0.1',
				port: Number(house.submission_port), security_mode: 'none',
				email_address: from, secret: { username:
				'support@letterrack.test', password: 'letterrack' } });
		assert.equal(made.status, 201, made.text);
		sql(house, `UPDATE credential SET hold_policy = 'all'
			WHERE account_id = 1 AND email_address = '${from}'`);
		const c = await on(), bytes = letter({ id, from });
		assert.match((await c.send(from, OUTSIDE, bytes)).at(-1).text,
			/for review/);
		c.destroy();
		const email = sql(house, `SELECT id FROM email
			WHERE message_id = '${id}'`);
		const { status, text } = await admin.post(
			`/api/interception/release/${email}`, {});
		assert.equal(status, 200, text);
		assert.equal(given(await arrived(byId(id))).toString(),
			bytes.toString());
	});
	test('holds everything where the policy says all', async () => {
		const id = fresh(), from = 'sales@letterrack.test';
		const set = (policy) => sql(house, `UPDATE credential SET
			hold_policy = '${policy}' WHERE account_id = 1
			AND provider_kind = 'imap' AND email_address = '${from}'`);
		const c = await on();
		set('all');
		try {
			assert.match((await c.send(from, OUTSIDE, letter({ id, from })))
				.at(-1).text, /for review/);
		} finally {
			set('off');
		}
		assert.equal(sql(house, `SELECT why FROM hold h JOIN email e
			ON e.id = h.email_id WHERE message_id = '${id}'`), 'policy');
		c.destroy();
	});
});

describe('no open relay', () => {
	const nobody = ['MAIL FROM:<{}>', 'MAIL FROM:<>', 'RCPT TO:<a@b.test>',
		'DATA', 'VRFY root', 'MAIL FROM:<{}> AUTH=<>',
		'MAIL FROM:<{}> SIZE=1', 'mail from:<{}>'];
	for (const line of nobody)
		test(`${line} wants somebody to have signed in`, async () => {
			const c = await dial(port);
			await c.ask('EHLO x');
			assert.equal((await c.ask(line.replace('{}', FROM))).code, 530);
			c.destroy();
		});
	const senders = ['', 'stranger@letterrack.test', 'support@elsewhere.test',
		'SUPPORT@letterrack.test.', 'support+x@letterrack.test',
		'support@letterrack.test@elsewhere.test', '"support"@letterrack.test',
		'@elsewhere.test:support@letterrack.test',
		'support%letterrack.test@elsewhere.test',
		'elsewhere.test!support@letterrack.test', 'support', ' support@letterrack.test',
		'support@[127.0.0.1]', 'süpport@letterrack.test'];
	for (const from of senders)
		test(`<${from}> is nobody's to send as`, async () => {
			const c = await on();
			const { code } = await c.ask(`MAIL FROM:<${from}>`);
			assert.ok([501, 550, 553].includes(code), String(code));
			assert.equal((await c.ask(`RCPT TO:<${OUTSIDE}>`)).code, 503);
			assert.equal((await c.ask('DATA')).code, 503);
			c.destroy();
		});
	const authors = ['stranger@letterrack.test', `${FROM}, stranger@elsewhere.test`,
		`"${FROM}" <stranger@elsewhere.test>`, `${FROM} <stranger@elsewhere.test>`,
		`${FROM}\r\nFrom: stranger@elsewhere.test`,
		`${FROM}\r\nSender: stranger@elsewhere.test`, 'Support', '',
		`<${FROM}> <stranger@elsewhere.test>`, `g: stranger@elsewhere.test;`,
		`=?utf-8?q?x?= <stranger@elsewhere.test> (${FROM})`,
		`${FROM}\r\nFrom : stranger@elsewhere.test`];
	for (const from of authors)
		test(`nor is From: ${JSON.stringify(from)}`, async () => {
			const c = await on(), id = fresh();
			await refused(c, FROM, OUTSIDE, letter({ id, from }), 550);
			assert.equal(count('email', id), 0);
			c.destroy();
		});
	const recipients = ['a@b@c.test', '@relay.test:a@b.test', '"a b"@c.test', 'a',
		'a@', '@b.test', '', 'a@[10.0.0.1]', 'a b@c.test', 'a@b..test',
		'a@b.test> NOTIFY=NEVER', 'a\u0001@b.test', 'a@b.test\u007f'];
	for (const to of recipients)
		test(`nobody is at <${to}>`, async () => {
			const c = await on();
			await c.ask(`MAIL FROM:<${FROM}>`);
			const { code } = await c.ask(`RCPT TO:<${to}>`);
			assert.ok([501, 553, 555].includes(code), String(code));
			assert.equal((await c.ask('DATA')).code, 554);
			c.destroy();
		});
	test('a credential that is switched off, or another account\'s, is none',
		async () => {
			const c = await on();
			const other = machine(p.application, p.account);
			const stranger = await on(other);
			assert.equal((await stranger.ask(`MAIL FROM:<${FROM}>`)).code, 550);
			assert.equal((await c.ask(`MAIL FROM:<${FROM}>`)).code, 250);
			await c.ask(`RCPT TO:<${OUTSIDE}>`);
			const flip = (yes) => sql(house, `UPDATE credential
				SET is_active = ${yes} WHERE provider_kind = 'smtp'
				AND email_address = '${FROM}'`);
			flip(false);
			try {
				await c.ask('DATA');
				c.write(dotted(letter()));
				assert.equal((await c.reply()).code, 550);
			} finally {
				flip(true);
			}
			c.destroy();
			stranger.destroy();
		});
	test('a personal credential is its owner\'s alone', async () => {
		sql(house, `INSERT INTO credential (application_id, account_id, user_id,
			provider_kind, label, email_address, host, port, security_mode)
			VALUES (1, 1, 1, 'smtp', 'mine', 'mine@letterrack.test', '127.0.0.1',
			25, 'none')`);
		const admin = await signedOn(port, 'admin', 'admin123');
		const demo = await signedOn(port, USER, PASSWORD);
		const robot = await on();
		const line = 'MAIL FROM:<mine@letterrack.test>';
		assert.deepEqual([(await admin.ask(line)).code, (await demo.ask(line)).code,
			(await robot.ask(line)).code], [250, 550, 550]);
		for (const c of [admin, demo, robot])
			c.destroy();
	});
});

describe('signing in', () => {
	const b64 = (text) => Buffer.from(text).toString('base64');
	const open = async () => {
		const c = await dial(port);
		await c.ask('EHLO x');
		return c;
	};
	test('by PLAIN at once or asked for, by LOGIN, by user or by name', async () => {
		const plain = b64(`\0${USER}\0${PASSWORD}`);
		const ways = [
			[`AUTH PLAIN ${plain}`], ['auth plain', plain],
			['AUTH LOGIN', b64(USER), b64(PASSWORD)],
			[`AUTH LOGIN ${b64(USER)}`, b64(PASSWORD)],
			[`AUTH PLAIN ${b64(`${USER}\0${USER}\0${PASSWORD}`)}`],
			[`AUTH PLAIN ${b64('\0admin\0admin123')}`],
			[`AUTH PLAIN ${b64(`\0${program.id}\0${program.secret}`)}`],
		];
		for (const way of ways) {
			const c = await open();
			for (const line of way.slice(0, -1))
				assert.equal((await c.ask(line)).code, 334, line);
			assert.equal((await c.ask(way.at(-1))).code, 235, way[0]);
			assert.equal((await c.ask(way[0])).code, 503);
			assert.equal((await c.ask(`MAIL FROM:<${FROM}>`)).code, 250);
			c.destroy();
		}
	});
	test('fails for whoever is not who they say, alike', async () => {
		const cases = [
			[535, b64(`\0${USER}\0wrong`)], [535, b64('\0nobody@x.test\0demo123')],
			[535, b64(`\0${program.id}\0wrong`)], [535, b64('\0cid_none\0x')],
			[535, b64(`admin\0${USER}\0${PASSWORD}`)], [535, b64(`\0${USER}\0`)],
			[535, b64(`\0${USER}\0${PASSWORD}\0`)],
			[535, b64(`\0${USER}\0evil\0${PASSWORD}`)], [535, b64(`\0\0${PASSWORD}`)],
			[535, b64('x')], [535, '='], [535, b64(`\0cid_demo\0`)],
			[535, b64(`\0${'x'.repeat(300)}\0${PASSWORD}`)],
			[535, b64(`\0${USER}\0${'x'.repeat(300)}`)],
			[501, '*'], [501, '%%%'], [501, 'AAA'],
		];
		for (const [code, answer] of cases) {
			const c = await open();
			await c.ask('AUTH PLAIN');
			const reply = await c.ask(answer);
			assert.equal(reply.code, code, answer);
			assert.equal((await c.ask(`MAIL FROM:<${FROM}>`)).code, 530);
			c.destroy();
		}
	});
	test('fails for a viewer, a viewing program, and a locked or missing factor',
		async () => {
			const c = await open();
			assert.equal((await c.plain('viewer@c-imap.local', 'viewer123')).code,
				535);
			const eye = machine(1, 1, 'viewer');
			assert.equal((await c.plain(eye.id, eye.secret)).code, 535);
			c.destroy();
			const strict = await another({ second_factor: 'everybody' });
			const d = await dial(strict.port);
			await d.ask('EHLO x');
			assert.equal((await d.plain(USER, PASSWORD)).code, 534);
			assert.equal((await d.plain(program.id, program.secret)).code, 235);
			d.destroy();
			await strict.end();
		});
	test('is over after three failures, and limited for the address', async () => {
		const c = await open();
		for (let i = 0; i < 3; i++)
			assert.equal((await c.plain(program.id, 'wrong')).code, 535);
		assert.equal((await c.reply()).code, 421);
		await c.closed();
		const strict = await another({ login_rate: 2 });
		const again = async () => {
			const d = await dial(strict.port, '127.0.0.1', '127.0.0.77');
			await d.ask('EHLO x');
			const { code } = await d.plain(program.id, 'wrong');
			d.destroy();
			return code;
		};
		const seen = [];
		// A minute may end in between.
		for (let i = 0; i < 6; i++)
			seen.push(await again());
		assert.ok(seen.includes(454), String(seen));
		await strict.end();
	});
	test('knows no other way, and none at the wrong time', async () => {
		const c = await dial(port);
		assert.equal((await c.ask('AUTH PLAIN')).code, 503);
		await c.ask('EHLO x');
		for (const name of ['CRAM-MD5', 'XOAUTH2', 'EXTERNAL', ''])
			assert.equal((await c.ask(`AUTH ${name}`)).code, 504);
		c.destroy();
	});
	test('is for TLS alone where the operator says so', async () => {
		const strict = await another({ smtp_plain_loopback: 'no' });
		const c = await dial(strict.port);
		const { text } = await c.ask('EHLO x');
		assert.doesNotMatch(text, /AUTH/);
		assert.equal((await c.plain(program.id, program.secret)).code, 538);
		assert.match((await c.secure({ ca })).text, /AUTH PLAIN LOGIN/);
		assert.equal((await c.plain(program.id, program.secret)).code, 235);
		c.destroy();
		assert.equal((await strict.end()).status, 0);
	});
	test('leaves a session that ends with the connection', async () => {
		const sessions = () => Number(sql(house, `SELECT count(*) FROM session
			WHERE user_id = 2 AND ended_at IS NULL`));
		const c = await signedOn(port, USER, PASSWORD);
		const during = sessions();
		await c.ask('QUIT');
		await c.closed();
		for (let i = 0; i < 100 && sessions() >= during; i++)
			await pause(50);
		assert.ok(sessions() < during);
	});
	test('lasts as long as the right to it', async () => {
		const robot = machine(1, 1);
		const c = await on(robot);
		assert.equal((await c.send(FROM, OUTSIDE, letter())).at(-1).code, 250);
		sql(house, `UPDATE client SET is_active = false
			WHERE id = '${robot.id}'`);
		assert.equal((await c.send(FROM, OUTSIDE, letter())).at(-1).code, 421);
		await c.closed();
		const d = await signedOn(port, USER, PASSWORD);
		sql(house, `UPDATE membership SET role = 'viewer' WHERE user_id = 2
			AND account_id = 1`);
		try {
			const { code } = (await d.send(FROM, OUTSIDE, letter())).at(-1);
			assert.ok([421, 550].includes(code), String(code));
		} finally {
			sql(house, `UPDATE membership SET role = 'member' WHERE user_id = 2
				AND account_id = 1`);
		}
		d.destroy();
	});
	test('tells no password to the log', () => {
		const log = readFileSync(`${house.logs}/smtpd.log`, 'utf8');
		assert.match(log, /signed in/);
		for (const secret of [PASSWORD, 'a secret', b64(`\0${USER}\0${PASSWORD}`)])
			assert.ok(!log.includes(secret));
	});
});

describe('what is said', () => {
	test('is answered in turn, and refused out of it', async () => {
		const c = await dial(port);
		assert.match(c.greeting.text, /^220 mail\.letterrack\.test ESMTP /);
		for (const [line, code] of [
			['MAIL FROM:<a@b.test>', 530], ['RCPT TO:<a@b.test>', 530],
			['STARTTLS', 503], ['EHLO', 501], ['EHLO a b', 501],
			['HELO x', 250], ['EHLO x', 250], ['NOOP', 250], ['NOOP x', 250],
			['RSET', 250], ['HELP', 214], ['EXPN x', 502]])
			assert.equal((await c.ask(line)).code, code, line);
		c.destroy();
		const d = await on();
		for (const [line, code] of [
			['RCPT TO:<a@b.test>', 503], ['DATA', 503], ['VRFY root', 252],
			['MAIL FROM:support@letterrack.test', 501], ['MAIL', 501],
			[`MAIL FROM:<${FROM}> FOO=1`, 555],
			[`MAIL FROM:<${FROM}> SIZE=x`, 555],
			[`MAIL FROM:<${FROM}> SIZE=99999999999`, 552],
			[`MAIL FROM:<${FROM}> BODY=8BITMIME SMTPUTF8 SIZE=10 AUTH=<>`, 250],
			[`MAIL FROM:<${FROM}>`, 503], ['DATA', 554],
			['RCPT TO:<grüße@b.test>', 250]])
			assert.equal((await d.ask(line)).code, code, line);
		d.destroy();
		const e = await on();
		for (const [line, code] of [[`MAIL FROM:<${FROM}>`, 250],
			['RCPT TO:<grüße@b.test>', 553],
			['RCPT TO:<a@b.test> NOTIFY=NEVER', 555], ['RCPT TO:<a@b.test>', 250],
			['AUTH PLAIN', 503], ['DATA x', 501], ['RSET', 250], ['DATA', 503],
			[`MAIL FROM:<${FROM}>`, 250], ['EHLO x', 250],
			['RCPT TO:<a@b.test>', 503]])
			assert.equal((await e.ask(line)).code, code, line);
		e.destroy();
	});
	test('names what it can do', async () => {
		const c = await dial(port);
		const { lines } = await c.ask('EHLO x');
		assert.deepEqual(lines, ['mail.letterrack.test', 'SIZE 52428800',
			'STARTTLS', 'AUTH PLAIN LOGIN', 'PIPELINING', '8BITMIME', 'SMTPUTF8',
			'ENHANCEDSTATUSCODES']);
		c.destroy();
	});
	for (const line of ['GET / HTTP/1.1', 'POST / HTTP/1.1', 'CONNECT x:25 HTTP/1.1',
		'BDAT 10 LAST'])
		test(`ends at ${line}`, async () => {
			const c = await dial(port);
			const { code } = await c.ask(`${line}\r\nHost: x`);
			assert.ok([502, 521].includes(code));
			assert.equal(await c.closed(), '');
		});
	for (const bytes of ['NOOP\n', 'NOOP\nNOOP\r\n', 'NOOP\rNOOP\r\n', '\n', '\r\r\n',
		'EHLO x\nMAIL FROM:<a@b>\r\n', 'x'.repeat(3000), `NOOP ${'x'.repeat(2100)}\r\n`])
		test(`ends at ${JSON.stringify(bytes.slice(0, 30))}`, async () => {
			const c = await dial(port);
			c.write(bytes);
			const { code } = await c.reply();
			assert.ok([500, 521].includes(code), String(code));
			assert.equal(await c.closed(), '');
		});
	test('is refused where it is too long or has control characters', async () => {
		const c = await dial(port);
		await c.ask('EHLO x');
		assert.equal((await c.ask(`NOOP ${'x'.repeat(507)}`)).code, 500);
		assert.equal((await c.ask(`NOOP ${'x'.repeat(505)}`)).code, 250);
		for (const bad of ['NOOP \0', 'EHLO \u0007', 'NOOP \x7f'])
			assert.equal((await c.ask(bad)).code, 501);
		c.write(Buffer.from([0x4e, 0x4f, 0x4f, 0x50, 0x20, 0xff, 13, 10]));
		assert.equal((await c.reply()).code, 501);
		c.destroy();
	});
	test('ends after ten faults', async () => {
		const c = await dial(port);
		for (let i = 0; i < 10; i++)
			assert.equal((await c.ask('FOO')).code, 500);
		assert.equal((await c.reply()).code, 421);
		assert.equal(await c.closed(), '');
	});
	test('has a hundred recipients at most, and goes on', async () => {
		const c = await on(), id = fresh();
		await c.ask(`MAIL FROM:<${FROM}>`);
		for (let i = 0; i < 100; i++)
			assert.equal((await c.ask(`RCPT TO:<n${i}@elsewhere.test>`)).code, 250);
		for (let i = 0; i < 15; i++)
			assert.equal((await c.ask(`RCPT TO:<m${i}@elsewhere.test>`)).code, 452);
		await c.ask('DATA');
		c.write(dotted(letter({ id })));
		assert.equal((await c.reply()).code, 250);
		assert.equal(sql(house, `SELECT count(*) FROM submission_recipient r
			JOIN submission s ON s.id = r.submission_id
			WHERE message_id = '${id}'`), '100');
		c.destroy();
	});
});

describe('a message that means two things is none', () => {
	const forms = ['\n.\n', '\n.\r\n', '\r.\r', '\r.\r\n', '\r\n.\n', '\r\n.\r',
		'\n.\r', '\r.\n', '\r\r\n.\r\r\n', '\r\n.\r\r\n', '\r\r\n.\r\n\r',
		'\n\n.\n\n', '\n\r.\n\r', '\r\n\n.\r\n\n', '\r\n.\r\0\n',
		'\r\0\n.\r\0\n', '\r\n\0.\r\n\r', '\r\n.\0\r\n\n', '\r\n. \n',
		'\r\n..\n', '\n..\r\n', '\r\n.\r \n', '\v\n.\v\n', '\f\n.\f\r\n\n'];
	assert.equal(forms.length, 24);
	for (const form of forms)
		test(`${JSON.stringify(form)} smuggles nothing`, async () => {
			const c = await on(), id = fresh(), evil = fresh();
			const before_ = emails();
			await c.ask(`MAIL FROM:<${FROM}>`);
			await c.ask(`RCPT TO:<${OUTSIDE}>`);
			await c.ask('DATA');
			const inner = `MAIL FROM:<${FROM}>\r\nRCPT TO:<evil@elsewhere.test>` +
				`\r\nDATA\r\n${letter({ id: evil })}`;
			c.write(`${letter({ id }).toString().slice(0, -2)}${form}${inner}` +
				'\r\n.\r\n');
			const { code } = await c.reply();
			assert.equal(code, 550);
			// In one the message ends and a lone CR comes as a command: the
			// session ends, and so does what was to be smuggled.
			const next = await c.ask('NOOP');
			assert.ok([250, 521].includes(next.code), next.text);
			assert.equal(emails(), before_);
			assert.equal(count('email', evil), 0);
			c.destroy();
		});
	const bad = [
		['a header of a mailbox file', `From me Sat Nov 28\r\nFrom: ${FROM}\r\n`],
		['a line that is no field', `From: ${FROM}\r\nwhat is this\r\nX: 1\r\n`],
		['a continuation at its beginning', ` folded\r\nFrom: ${FROM}\r\n`],
		['no header at all', '\r\nHello.\r\n'],
		['two Message-IDs', `From: ${FROM}\r\nMessage-ID: <a@b>\r\nMessage-ID: <c@d>\r\n`],
		['a Message-ID that is none', `From: ${FROM}\r\nMessage-ID: a b\r\n`],
		['a lone CR in its header', `From: ${FROM}\r\nX: a\rb\r\n`],
	];
	for (const [what, header] of bad)
		test(`with ${what} is refused`, async () => {
			const c = await on();
			const before_ = emails();
			await refused(c, FROM, OUTSIDE, `${header}\r\nHello.\r\n`, 550);
			assert.equal((await c.ask('NOOP')).code, 250);
			assert.equal(emails(), before_);
			c.destroy();
		});
});

describe('STARTTLS', () => {
	/* What stands behind STARTTLS in the same piece, in the clear. */
	const behind = ['EHLO evil', 'NOOP', 'RSET', 'QUIT', 'HELO evil', 'STARTTLS',
		`MAIL FROM:<${FROM}>`, `RCPT TO:<${OUTSIDE}>`, 'DATA', 'AUTH PLAIN',
		`AUTH PLAIN ${Buffer.from('\0x\0y').toString('base64')}`, 'VRFY x', 'FOO',
		' ', '.', '\u0000', '\u0016\u0003\u0001', 'AUTH LOGIN', 'HELP', 'EXPN x'];
	for (const line of behind)
		for (const end of ['\r\n', '', '\n'])
			test(`is not for who says ${JSON.stringify(line + end)} behind it`,
				async () => {
					const c = await dial(port);
					await c.ask('EHLO x');
					c.write(`STARTTLS\r\n${line}${end}`);
					assert.equal((await c.reply()).code, 421);
					assert.equal(await c.closed(), '');
				});
	test('begins anew: what was said before it is forgotten', async () => {
		const c = await dial(port);
		await c.ask('EHLO x');
		await c.secure({ ca }, false);
		assert.equal((await c.ask('AUTH PLAIN')).code, 503);
		assert.equal((await c.ask(`MAIL FROM:<${FROM}>`)).code, 530);
		const { text } = await c.ask('EHLO x');
		assert.doesNotMatch(text, /STARTTLS/);
		assert.match(text, /AUTH/);
		assert.equal((await c.ask('STARTTLS')).code, 503);
		assert.equal((await c.plain(program.id, program.secret)).code, 235);
		const id = fresh();
		const replies = await c.send(FROM, OUTSIDE, letter({ id,
			body: 'x'.repeat(70).concat('\r\n').repeat(3000) }));
		assert.equal(replies.at(-1).code, 250, replies.at(-1).text);
		assert.equal(count('submission', id), 1);
		assert.equal((await c.ask('QUIT')).code, 221);
		assert.equal(await c.closed(), '');
	});
	test('takes no argument, is not for the signed-in, and not without EHLO',
		async () => {
			const c = await dial(port);
			assert.equal((await c.ask('STARTTLS')).code, 503);
			await c.ask('EHLO x');
			assert.equal((await c.ask('STARTTLS now')).code, 501);
			await c.plain(program.id, program.secret);
			assert.equal((await c.ask('STARTTLS')).code, 503);
			c.destroy();
		});
	for (const garbage of ['MAIL FROM:<a@b>\r\n', 'QUIT\r\n', '\u0016\u0003\u0001',
		'\u0000'.repeat(100), 'x'.repeat(20000)])
		test(`ends with ${JSON.stringify(garbage.slice(0, 12))} for a handshake`,
			async () => {
				const c = await dial(port);
				await c.ask('EHLO x');
				assert.equal((await c.ask('STARTTLS')).code, 220);
				c.write(garbage);
				c.end();
				assert.doesNotMatch(await c.closed(), /^\d{3}/m);
			});
	test('speaks TLS 1.2 and 1.3, nothing older', async () => {
		for (const version of ['TLSv1.2', 'TLSv1.3']) {
			const c = await dial(port);
			await c.ask('EHLO x');
			assert.equal((await c.secure({ ca, minVersion: version,
				maxVersion: version })).code, 250);
			c.destroy();
		}
		const c = await dial(port);
		await c.ask('EHLO x');
		await c.ask('STARTTLS');
		await assert.rejects(c.shake({ ca, minVersion: 'TLSv1',
			maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
		c.destroy();
	});
});

describe('limits', () => {
	test('of size: said, and found', async () => {
		const small = await another({ smtp_message_most: '100k' });
		const c = await on(program, small.port);
		assert.equal((await c.ask(`MAIL FROM:<${FROM}> SIZE=102401`)).code, 552);
		const before_ = emails();
		const big = (n) => letter({ body: 'x'.repeat(98).concat('\r\n').repeat(n) });
		await refused(c, FROM, OUTSIDE, big(1200), 552);
		assert.equal((await c.send(FROM, OUTSIDE, big(1000))).at(-1).code, 250);
		// Twice the limit is more than is listened to.
		await c.ask(`MAIL FROM:<${FROM}>`);
		await c.ask(`RCPT TO:<${OUTSIDE}>`);
		await c.ask('DATA');
		c.write(big(4000));
		assert.equal((await c.reply()).code, 552);
		await c.closed();
		assert.equal(emails(), before_ + 1);
		await small.end();
	});
	test('of a header', async () => {
		const c = await on();
		await refused(c, FROM, OUTSIDE, letter({
			more: `X-Long: ${'x'.repeat(900)}\r\n`.repeat(1300) }), 550);
		c.destroy();
	});
	test('of time: to sign in, to say a command, to give a message', async () => {
		const hasty = await another({ smtp_login_time: 1,
			smtp_command_time: 2, smtp_message_time: 1 });
		const begun = Date.now();
		const silent = await dial(hasty.port);
		const drip = await dial(hasty.port);
		const slow = await on(program, hasty.port);
		const drips = setInterval(() => drip.write('N'), 100);
		assert.equal((await silent.reply()).code, 421);
		assert.equal((await drip.reply()).code, 421);
		clearInterval(drips);
		await silent.closed();
		assert.ok(Date.now() - begun < 15000);
		await slow.ask(`MAIL FROM:<${FROM}>`);
		await slow.ask(`RCPT TO:<${OUTSIDE}>`);
		await slow.ask('DATA');
		const lines = setInterval(() => slow.write('x\r\n'), 100);
		const { code } = await slow.reply();
		clearInterval(lines);
		assert.equal(code, 421);
		for (const c of [silent, drip, slow])
			c.destroy();
		await hasty.end();
	});
	test('of connections, in all and of an address', { timeout: 60000 }, async () => {
		const few = await another({ smtp_connections: 6,
			smtp_connections_address: 3 });
		const call = async (n) => {
			const c = await dial(few.port, '127.0.0.1', `127.0.0.${n}`);
			return { c, code: c.greeting.code };
		};
		const of = async (list) => {
			const all = [];
			for (const n of list)
				all.push(await call(n));
			return all;
		};
		// It looks after itself from 127.0.0.1 now and then.
		const first = await of([2, 2, 2, 2]);
		assert.deepEqual(first.map((x) => x.code), [220, 220, 220, 421]);
		const rest = await of([3, 3, 4, 4]);
		assert.equal(rest.at(-1).code, 421);
		first[0].c.destroy();
		for (const one of rest)
			one.c.destroy();
		for (let code = 421; code !== 220;) {
			[{ code }] = await of([2]);
			await pause(20);
		}
		for (const one of first)
			one.c.destroy();
		await few.end();
	});
	test('of patience: a thousand slow clients delay nobody, and go', async () => {
		const busy = await another({ smtp_connections: 2000,
			smtp_connections_address: 2000, smtp_login_time: 20,
			smtp_command_time: 20 });
		const begun = Date.now();
		const slow = [];
		for (let i = 0; i < 20; i++)
			slow.push(...await Promise.all(Array.from({ length: 50 }, () =>
				dial(busy.port))));
		assert.ok(slow.every((c) => c.greeting.code === 220));
		for (const c of slow)
			c.write('EHL');
		const c = await on(program, busy.port);
		const times = [];
		for (let i = 0; i < 20; i++) {
			const from = process.hrtime.bigint();
			assert.equal((await c.send(FROM, OUTSIDE, letter())).at(-1).code, 250);
			times.push(Number(process.hrtime.bigint() - from) / 1e6);
		}
		times.sort((a, b) => a - b);
		assert.ok(times[10] < 2000, `a message takes ${times[10]} ms`);
		const ends = await Promise.all(slow.map((s) => s.reply()));
		assert.ok(ends.every((r) => r.code === 421 || r.code === 0));
		assert.ok(Date.now() - begun < 120000);
		for (const s of slow)
			s.destroy();
		c.destroy();
		await busy.end();
	});
});

describe('health', () => {
	before(() => Promise.all(own.map((one) => one.end())));
	test('is told to who may see it', async () => {
		for (let i = 0; i < 100; i++) {
			const { json } = await api.get('/api/smtp-health');
			if (json.last_selfcheck !== null)
				break;
			await pause(100);
		}
		const { status, json } = await api.get('/api/smtp-health');
		assert.equal(status, 200);
		assert.deepEqual({ ...json, uptime_seconds: null, last_selfcheck: null }, {
			ok: true, listening: true, host: '127.0.0.1', port: Number(port),
			uptime_seconds: null, last_selfcheck: null });
		assert.ok(Number.isInteger(json.uptime_seconds));
		assert.match(json.last_selfcheck, /^\d{4}-\d\d-\d\dT[\d:]{8}Z$/);
		const { smtp } = (await api.as({ cookie: people(house).viewer.cookie })
			.get('/api/watchers/overview')).json;
		assert.match(smtp.last_selfcheck_ts, /^\d{4}-\d\d-\d\d [\d:]{8}$/);
		assert.deepEqual({ ...smtp, last_selfcheck_ts: null }, { listening: true,
			host: '127.0.0.1', port: Number(port), last_selfcheck_ts: null });
	});
	test('says when nobody listens', async () => {
		await house.stop('smtpd');
		const { json } = await api.get('/api/smtp-health');
		assert.deepEqual(json, { ok: false, listening: false, host: null,
			port: null, uptime_seconds: null, last_selfcheck: null });
	});
});
