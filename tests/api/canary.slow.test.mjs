// Canaries: words that are in the contents of mail, and in no answer to a viewer
// or to a stranger; secrets of each kind, and in no answer but the one that gives
// them, in no log, no error and no dump of the database.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { each } from '../lib/each.mjs';
import { connect, emailOf, ended, mailbox, message, sync }
	from '../lib/mail.mjs';
import { basic, clientRow, form } from '../lib/oauth.mjs';
import { people } from '../lib/people.mjs';
import { psql } from '../lib/psql.mjs';
import { operations, valid } from '../lib/requests.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { rows } from '../lib/tenants.mjs';
import { cookieOf } from '../lib/tokens.mjs';

const word = (of) => `${of}${randomBytes(9).toString('hex')}`;

/* In the contents of one mail. */
const inMail = { text: word('text'), html: word('html'), file: word('file'),
	header: word('header') };

/* name → secret, as they are planted or given. */
const secrets = {};

let house, api, agent, db, p, cid, email, part, credential, imap, all;
const answers = [];

/* Every answer is kept; but those that are to give what they give. */
const seen = (answer, what) => {
	answers.push({ what, text: JSON.stringify(answer.headers) + answer.text });
	return answer;
};

const as = (who) => api.as({ cookie: p[who].cookie });

async function plantMail() {
	imap = await mailbox(house, 'support');
	await imap.append('INBOX', message({ subject: 'planted',
		more: `X-Canary: ${inMail.header}\n`,
		body: 'Content-Type: multipart/mixed; boundary=x\n\n' +
			`--x\nContent-Type: text/plain\n\n${inMail.text}\n` +
			`--x\nContent-Type: text/html\n\n<b>${inMail.html}</b>\n` +
			'--x\nContent-Type: text/csv\nContent-Disposition: attachment; ' +
			`filename=a.csv\n\n${inMail.file}\n--x--\n` }));
	credential = await connect(as('member'), p.account, 'support');
	await sync(as('member'), p.account, credential);
	await ended(as('member'), sql(house, `SELECT max(id) FROM job
		WHERE action = 'imap_fetch_text'`));
	email = await emailOf(as('member'), p.account, 'planted');
	const root = `/api/accounts/${p.account}/emails/${email.id}`;
	await as('member').get(`${root}/body`);
	const { json } = await as('member').get(`${root}/parts`);
	part = json.data.at(-1);
}

async function plantUsers() {
	secrets.password = word('pw');
	secrets.guessed = word('pw');
	secrets['next password'] = word('pw');
	const address = `${word('u')}@x.test`;
	const made = seen(await as('admin').post('/api/users',
		{ email: address, password: secrets.password }), 'making a user');
	assert.equal(made.status, 201, made.text);
	seen(await api.post('/auth/sign-in', { client_id: cid, email: address,
		password: secrets.guessed }), 'a wrong password');
	seen(await api.post('/auth/sign-in', { client_id: cid, email: address,
		password: [secrets.guessed] }), 'a password of a wrong type');
	seen(await api.post('/auth/sign-in', `{"email": "${address}", "password": "${
		secrets.guessed}", "x": }`, { 'content-type': 'application/json' }),
	'a password in what is no JSON');
	const given = await api.post('/auth/sign-in', { client_id: cid, email: address,
		password: secrets.password });
	assert.equal(given.status, 200, given.text);
	secrets['session cookie'] = cookieOf(given);
	secrets['access token'] = given.json.tokens.access_token;
	secrets['refresh token'] = given.json.tokens.refresh_token;
	const me = api.as({ cookie: secrets['session cookie'] });
	const id = sql(house, `SELECT id FROM app_user WHERE email = '${address}'`);
	for (const current of [secrets.guessed, secrets.password])
		seen(await me.post(`/api/users/${id}/password`, {
			current_password: current,
			new_password: secrets['next password'],
			confirm_password: secrets['next password'] }), 'a new password');
	await plantFactor(address);
	return address;
}

async function plantFactor(address) {
	const { json } = await api.post('/auth/sign-in', { client_id: cid,
		email: address, password: secrets['next password'] });
	const made = await api.as({ token: json.tokens.access_token }).post('/auth/factors/totp',
		{ password: secrets['next password'] });
	assert.ok(made.status < 300, made.text);
	secrets['factor'] = /secret=([A-Z2-7]{16,})/.exec(made.text)?.[1] ??
		/"secret":\s*"([A-Z2-7]{16,})"/.exec(made.text)?.[1];
}

async function plantCredentials() {
	secrets['mail password'] = word('mp');
	secrets['mail token'] = word('mt');
	const of = (secret, more = {}) => ({ provider_kind: 'imap',
		host: '127.0.0.1', port: Number(house.imap_port),
		security_mode: 'none', secret: { username:
			'sales@letterrack.test', ...secret }, ...more });
	const root = `/api/accounts/${p.account}/provider-credentials`;
	for (const body of [of({ password: secrets['mail password'] }),
		of({ access_token: secrets['mail token'] }, { auth_kind: 'oauth2' })]) {
		const made = seen(await as('member').post(root, body, {
			'idempotency-key': word('k') }), 'a credential');
		assert.equal(made.status, 201, made.text);
		const one = `/api/provider-credentials/${made.json.data.id}`;
		seen(await as('member').post(`${one}/test`), 'a refused test');
		seen(await as('member').post(`${one}/rotate`,
			{ secret: body.secret }), 'a refused rotation');
		const job = seen(await as('member').post(
			`/api/accounts/${p.account}/imap/sync-mailboxes`,
			{ credential_id: made.json.data.id }), 'a sync');
		await ended(as('member'), job.json.data.job_id);
	}
}

async function plantClients() {
	const made = await as('owner').post(`/api/accounts/${p.account}/clients`,
		{ name: 'canary' });
	assert.equal(made.status, 201, made.text);
	const { id, secret } = made.json.data;
	secrets['client secret'] = secret ?? made.json.data.client_secret;
	const token = await api.post('/oauth2/token',
		form({ grant_type: 'client_credentials' }),
		basic(id, secrets['client secret']));
	assert.equal(token.status, 200, token.text);
	secrets['machine token'] = token.json.access_token;
	seen(await api.post('/oauth2/token', form({ grant_type: 'nonsense',
		client_id: id, client_secret: secrets['client secret'] })),
	'a wrong grant');
	seen(await api.post('/oauth2/introspect', form({
		token: secrets['machine token'] }), basic(id,
		secrets['client secret'])), 'introspection');
	const device = await api.post('/oauth2/device_authorization',
		form({ client_id: cid, scope: 'openid' }));
	assert.equal(device.status, 200, device.text);
	secrets['device code'] = device.json.device_code;
	seen(await api.post('/oauth2/token', form({ client_id: cid, device_code:
		secrets['device code'], grant_type:
		'urn:ietf:params:oauth:grant-type:device_code' })), 'polling');
}

async function plantWebhook() {
	secrets.webhook = word('whsec');
	const made = await as('owner').post('/api/webhooks',
		{ url: 'https://127.0.0.1:9/', events: ['*'], secret: secrets.webhook });
	assert.ok(made.status < 500, made.text);
}

/** A link out of the mailbox where all mail to elsewhere goes; when it is
 * there, the queue holds no copy. */
async function plantLink(address) {
	const outside = await mailbox(house, 'outside');
	seen(await api.post('/auth/send-magic-link', { email: address,
		client_id: cid }), 'asking for a link');
	const end = Date.now() + 30000;
	for (let text = ''; !secrets['mailed link']; await pause(100)) {
		assert.ok(Date.now() < end, 'no mail has come');
		const { exists } = await outside.mailboxOpen('INBOX');
		if (exists === 0)
			continue;
		for await (const m of outside.fetch('1:*', { source: true }))
			text += m.source.toString();
		secrets['mailed link'] = /[?&]token=(?:3D)?([\w-]{20,})/.exec(
			text.replace(/=\r\n/g, '').replaceAll('=3D', '='))?.[1];
	}
	await outside.logout();
	while (sql(house, `SELECT count(*) FROM outgoing
		WHERE message IS NOT NULL`) !== '0')
		await pause(100);
	seen(await api.get(`/auth/magic?token=${'A'.repeat(43)}`), 'a wrong link');
	seen(await api.post('/auth/sign-in-with-token',
		{ token: `${secrets['mailed link']}x` }), 'a longer link');
}

function plantKeys() {
	const dir = `${house.state}/keys`;
	/* token-current only names one, as jwks.json does. */
	for (const file of readdirSync(dir).filter((n) => /\.(key|pem)$/.test(n))) {
		const bytes = readFileSync(`${dir}/${file}`);
		secrets[`key ${file}`] = file.endsWith('.pem')
			? bytes.toString().split('\n')[10] : bytes.toString('latin1').trim();
	}
}

/** Everybody asks for everything there is of it. */
async function drive() {
	const row = rows(db);
	const place = { application: p.application, account: p.account };
	const known = { account_id: p.account, email_id: email.id,
		part_id: part.id, attachment_id: part.id,
		provider_credential_id: credential.id,
		mailbox_id: sql(house, `SELECT min(id) FROM mailbox
			WHERE account_id = ${p.account}`),
		job_id: sql(house, `SELECT max(id) FROM job
			WHERE account_id = ${p.account}`),
		task_id: sql(house, `SELECT max(id) FROM task
			WHERE account_id = ${p.account}`) };
	const spare = new Map();
	for (const o of all)
		for (const kind of o.params)
			if (!known[kind] && !spare.has(kind))
				spare.set(kind, await row(kind, place));
	const callers = { viewer: { cookie: p.viewer.cookie },
		stranger: { cookie: p.stranger.cookie }, nobody: {} };
	await each(Object.keys(callers).flatMap((name) =>
		all.map((o) => [name, o])), async ([name, o]) => {
		const path = o.path.replace(/\{(\w+)\}/g,
			(_, kind) => known[kind] ?? spare.get(kind));
		/* What a viewer may do changes nothing of mail. */
		const { body } = valid(o, known);
		seen(await api.as(callers[name]).request(o.method, path, body),
			`${name}: ${o.method} ${path}`);
	});
	for (const o of all.filter((x) => x.method === 'GET'))
		for (const who of ['owner', 'admin', 'member'])
			seen(await as(who).get(o.path.replace(/\{(\w+)\}/g,
				(_, kind) => known[kind] ?? spare.get(kind))),
			`${who}: GET ${o.path}`);
}

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix', 'sync'] });
	agent = new http.Agent({ keepAlive: true });
	api = client(house, {}, { agent });
	db = psql(house);
	p = people(house);
	cid = clientRow(house, { id: word('cid_'), application: p.application,
		uris: ['https://x.test/'] }).id;
	all = operations([(await api.get('/openapi.json')).json,
		(await api.get('/auth/openapi.json')).json]).filter((o) =>
		!/log-?out|sign-out|account-views/.test(o.path));
	await plantMail();
	const address = await plantUsers();
	await plantCredentials();
	await plantClients();
	await plantWebhook();
	await plantLink(address);
	plantKeys();
	await drive();
});

after(async () => {
	await imap?.logout();
	agent.destroy();
	db.end();
	await house.end();
});

/** As it stands, and as it would stand in a dump of bytes or in a header. */
const forms = (secret) => {
	const bytes = Buffer.from(secret, 'latin1');
	return [secret, bytes.toString('hex'),
		bytes.toString('base64').replace(/=+$/, '').slice(0, -1),
		encodeURIComponent(secret)];
};

const found = (text, list) => Object.entries(list).filter(([, secret]) =>
	forms(secret).some((one) => text.includes(one))).map(([name]) => name);

function files(dir) {
	return readdirSync(dir).flatMap((name) => {
		const path = `${dir}/${name}`;
		const is = statSync(path);
		return is.isDirectory() ? files(path) : is.isFile() ? [path] : [];
	});
}

describe('contents of mail', () => {
	test('are shown to members: the refusals below mean something', async () => {
		const root = `/api/accounts/${p.account}/emails/${email.id}`;
		const member = as('member');
		const text = (await Promise.all([`${root}/body`, `${root}/raw`,
			`${root}/parts/${part.id}/content`, `/api/emails/${email.id}`]
			.map(async (path) => (await member.get(path)).text))).join('');
		assert.deepEqual(found(text, inMail), Object.keys(inMail));
		assert.ok(email.snippet?.includes(inMail.text), 'no snippet');
	});

	test('are in no answer to a viewer, a stranger or nobody', (t) => {
		const theirs = answers.filter(({ what }) =>
			/^(viewer|stranger|nobody):/.test(what));
		t.diagnostic(`${theirs.length} answers`);
		assert.ok(theirs.length > 200);
		for (const { what, text } of theirs)
			assert.deepEqual(found(text, inMail), [], what);
	});

	test('are not what a viewer finds mail by', async () => {
		const root = `/api/accounts/${p.account}/emails`;
		for (const one of Object.values(inMail)) {
			const list = await as('viewer').get(`${root}?q=${one}`);
			assert.deepEqual(list.json.data, []);
			const search = await as('viewer').post(`${root}/search`,
				{ query: one });
			assert.deepEqual(search.json.data, []);
		}
	});

	test('are in no log', () => {
		for (const file of files(house.logs))
			assert.deepEqual(found(readFileSync(file, 'latin1'), inMail), [],
				file);
	});
});

describe('secrets', () => {
	test('are planted, each of some length', (t) => {
		t.diagnostic(Object.keys(secrets).join(', '));
		for (const [name, secret] of Object.entries(secrets))
			assert.ok(secret?.length >= 16, `${name}: ${secret}`);
		assert.ok(Object.keys(secrets).length >= 16);
	});

	test('are in no answer but the one that gives them', (t) => {
		t.diagnostic(`${answers.length} answers`);
		for (const { what, text } of answers)
			assert.deepEqual(found(text, secrets), [], what);
	});

	test('are in no log of nginx, responders, sync, mail servers and ' +
		'PostgreSQL', (t) => {
		const list = files(house.logs);
		t.diagnostic(list.map((f) => f.slice(house.logs.length + 1)).join(', '));
		assert.ok(list.length >= 4);
		const text = list.map((f) => readFileSync(f, 'latin1')).join('\n');
		assert.ok(text.includes('/auth/sign-in'), 'the log of nginx is there');
		for (const file of list)
			assert.deepEqual(found(readFileSync(file, 'latin1'), secrets), [],
				file);
	});

	test('are in no dump of the database', () => {
		const dump = execFileSync('pg_dump', ['-d', house.database_super],
			{ encoding: 'latin1', maxBuffer: 1 << 28 });
		assert.ok(dump.includes('planted'), 'the mail is there');
		assert.deepEqual(found(dump, secrets), []);
	});
});
